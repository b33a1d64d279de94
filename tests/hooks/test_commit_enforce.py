"""Mode `enforce`: a commit that changes a zone without a greater serial is refused."""

from __future__ import annotations

import pytest
from zones_clone import NAME, OTHER, Clone, zone


def test_refused_with_place_and_remedy_until_bumped(enforcing: Clone) -> None:
    enforcing.stage(NAME, zone(10, "www A 192.0.2.81"))
    refused = enforcing.commit()
    assert refused.status == 1
    assert f"{NAME}:2:27: error:" in refused.output
    assert "[serial-not-raised]" in refused.output
    assert f"zonecast bump --above 10 {NAME}" in refused.output
    assert enforcing.serial("HEAD") == 10
    bumped = enforcing.zonecast("bump", NAME)
    assert bumped.ok
    assert "10 → 11" in bumped.output
    enforcing.git("add", NAME)
    assert enforcing.commit().ok
    assert enforcing.serial("HEAD") == 11


@pytest.mark.parametrize(
    ("serial", "finding"),
    [
        (9, "serial-backwards"),
        (10, "serial-not-raised"),
        (10 + 2**31, "serial-undefined-step"),
        (11 + 2**31, "serial-backwards"),
        (10 + 2**31 - 1, None),
        (11, None),
    ],
)
def test_serials_are_compared_by_rfc_1982(
    enforcing: Clone, serial: int, finding: str | None
) -> None:
    """Pitfall: the order is partial: a step of 2³¹ is refused by name, one of 2³¹ − 1 is allowed."""
    enforcing.stage(NAME, zone(serial, "www A 192.0.2.81"))
    done = enforcing.commit()
    assert done.ok == (finding is None), done.output
    assert finding is None or f"[{finding}]" in done.output


def test_a_serial_of_eleven_digits_is_an_error(enforcing: Clone) -> None:
    """Pitfall: 32 bits never overflow in text: eleven digits are an error, not a wrap."""
    enforcing.stage(NAME, zone(20261121001, "www A 192.0.2.81"))
    refused = enforcing.commit()
    assert refused.status == 1
    assert "[serial-too-large]" in refused.output


@pytest.mark.parametrize(
    "content",
    [
        zone(10, "www A 192.0.2.80").replace("$TTL", "; a comment\n$TTL"),
        zone(10, "WWW  3600 IN  A  192.0.2.80"),
        zone(10, "www A 192.0.2.80").replace("NS ns1", "NS NS1.Example.COM."),
        "\n".join(reversed(zone(10).splitlines()[3:])).join(
            [zone(10).partition("@ IN NS")[0], "\nwww A 192.0.2.80\n"]
        ),
        zone(10, "www A 192.0.2.80").replace("\n", "\r\n"),
        zone(10, "www 1h A 192.0.2.80"),
    ],
    ids=["comment", "name-case", "rdata-case", "order", "line-ends", "ttl-spelling"],
)
def test_what_is_no_change_needs_no_serial(enforcing: Clone, content: str) -> None:
    """Pitfall: comments, blank space, the order of records and the case of names need no new
    serial."""
    enforcing.stage(NAME, content)
    done = enforcing.commit()
    assert done.ok, done.output


def test_the_case_of_text_is_content(enforcing: Clone) -> None:
    """Pitfall: the case of TXT data, such as a DKIM key, is content."""
    enforcing.stage(NAME, zone(10, "www A 192.0.2.80").replace("TXT wild", "TXT Wild"))
    assert "[serial-not-raised]" in enforcing.commit().output


def test_git_revert_lowers_a_serial_and_the_server_side_rule_names_it(enforcing: Clone) -> None:
    """Pitfall: `git revert` lowers the serial."""
    enforcing.commit_unchecked({NAME: zone(11, "www A 192.0.2.81")})
    enforcing.git("revert", "--no-commit", "HEAD")
    refused = enforcing.commit()
    assert refused.status == 1
    assert "[serial-backwards]" in refused.output


def test_only_touched_zones_are_judged(enforcing: Clone) -> None:
    """Pitfall: only zones that the change touches are judged, so an old fault never blocks."""
    enforcing.commit_unchecked({OTHER: "this is no zone\n"})
    enforcing.stage(NAME, zone(11, "www A 192.0.2.81"))
    done = enforcing.commit()
    assert done.ok, done.output
    enforcing.stage(OTHER, "this is no zone either\n")
    refused = enforcing.commit()
    assert refused.status == 1
    assert f"{OTHER}:1:" in refused.output


def test_a_broken_zone_is_refused_with_every_error(enforcing: Clone) -> None:
    enforcing.stage(NAME, zone(11, "www A 192.0.2.999", "mail MX ten mx"))
    refused = enforcing.commit()
    assert refused.status == 1
    assert f"{NAME}:7:" in refused.output
    assert f"{NAME}:8:" in refused.output


def test_octets_that_are_no_text_do_not_break_the_hook(enforcing: Clone) -> None:
    enforcing.stage(NAME, b"\xff\xfe\x00 nonsense \x80")
    refused = enforcing.commit()
    assert refused.status == 1
    assert NAME in refused.output
    assert "Traceback" not in refused.output


def test_new_renamed_and_deleted_zones(enforcing: Clone) -> None:
    enforcing.stage("zones/example.org.zone", zone(1))
    assert enforcing.commit().ok
    # The same zone in another file is the same zone.
    enforcing.git("mv", NAME, "db.example.com")
    assert enforcing.commit().ok
    enforcing.write("db.example.com", zone(10, "www A 192.0.2.99"))
    enforcing.git("add", "--all")
    assert "[serial-not-raised]" in enforcing.commit().output
    enforcing.git("rm", "--quiet", "--force", "db.example.com")
    assert enforcing.commit().ok


def test_a_commit_without_zones_is_none_of_our_business(enforcing: Clone) -> None:
    enforcing.stage("README", "hello\n")
    done = enforcing.commit()
    assert done.ok
    assert "zonecast" not in done.output
