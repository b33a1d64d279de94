"""What a change does to how the repository's zones fit together is said, and refuses nothing."""

from __future__ import annotations

from zones_clone import ENFORCE, NAME, OTHER, Clone, zone

STRICT = ENFORCE + '[checks]\ndangling-target = "error"\n'


def test_a_commit_that_points_to_nothing_in_another_zone(enforcing: Clone) -> None:
    enforcing.stage(NAME, zone(11, "www CNAME gone.example.net."))
    done = enforcing.commit()
    assert done.ok, done.output
    assert f"{NAME}:7:1: warning: www.example.com. CNAME points to gone.example.net." in done.output
    assert "[dangling-target]" in done.output


def test_a_commit_that_takes_away_what_another_zone_points_to(enforcing: Clone) -> None:
    enforcing.commit_unchecked({OTHER: zone(21, "www CNAME www.example.com.")})
    enforcing.stage(NAME, zone(11))
    done = enforcing.commit()
    assert done.ok, done.output
    assert f"{OTHER}:7:1: warning: www.example.net. CNAME points to www.example.com." in done.output


def test_what_was_wrong_elsewhere_before_is_not_said_again(enforcing: Clone) -> None:
    enforcing.commit_unchecked({OTHER: zone(21, "www CNAME gone.example.com.")})
    enforcing.stage(NAME, zone(11))
    assert "gone" not in enforcing.commit().output


def test_a_warning_it_stays_even_where_check_would_refuse(enforcing: Clone) -> None:
    enforcing.commit_unchecked({"zonecast.toml": STRICT})
    enforcing.stage(NAME, zone(11, "www CNAME gone.example.net."))
    done = enforcing.commit()
    assert done.ok, done.output
    assert "warning: www.example.com. CNAME points to gone.example.net." in done.output
    assert enforcing.zonecast("check").status == 1


def test_a_push_says_it(pushing: Clone) -> None:
    pushing.commit_unchecked({NAME: zone(11, "www CNAME gone.example.net.")})
    pushed = pushing.push()
    assert pushed.ok, pushed.output
    assert "points to gone.example.net., which does not exist in example.net." in pushed.output


def test_a_new_symbolic_link_is_said_once(enforcing: Clone) -> None:
    (enforcing.path / "zones/example.org.zone").symlink_to("example.com.zone")
    enforcing.git("add", "zones/example.org.zone")
    enforcing.stage(NAME, zone(11))
    done = enforcing.commit()
    assert done.ok, done.output
    assert "zones/example.org.zone: warning: a symbolic link is no zone file" in done.output
    enforcing.stage(NAME, zone(12))
    assert "symbolic" not in enforcing.commit().output


def test_beyond_a_few_zones_only_what_is_known_is_compared(enforcing: Clone) -> None:
    """Zones that were never looked at are not all read for one commit."""
    many = {f"zones/z{n}.example.zone": zone(1) for n in range(40)}
    enforcing.commit_unchecked(many)
    targets = [f"h{n} CNAME gone.z{n}.example." for n in range(40)]
    enforcing.stage(NAME, zone(11, *targets))
    assert enforcing.commit().output.count("[dangling-target]") == 20
    enforcing.zonecast("check")
    enforcing.stage(NAME, zone(12, *targets))
    assert enforcing.commit().output.count("[dangling-target]") == 40
