"""The policy comes from the index, and is neither lost nor broken by a commit."""

from __future__ import annotations

from zones_clone import ENFORCE, NAME, OTHER, Clone, zone


def test_deleting_the_policy_is_refused(enforcing: Clone) -> None:
    enforcing.git("rm", "--quiet", "zonecast.toml")
    refused = enforcing.commit()
    assert refused.status == 1
    assert "zonecast.toml: this deletes the policy" in refused.output
    enforcing.git("reset", "--quiet", "--hard")
    enforcing.git("rm", "--quiet", "--cached", "zonecast.toml")
    assert enforcing.commit().status == 1, "it is in the work tree, and not in the commit"


def test_a_symbolic_link_is_no_policy(enforcing: Clone) -> None:
    (enforcing.path / "zonecast.toml").rename(enforcing.path / "policy.toml")
    (enforcing.path / "zonecast.toml").symlink_to("policy.toml")
    enforcing.git("add", "--all")
    refused = enforcing.commit()
    assert refused.status == 1
    assert "zonecast.toml: a symbolic link is no policy" in refused.output
    assert enforcing.zonecast("check").status == 2


def test_a_broken_policy_is_refused_with_its_place(enforcing: Clone) -> None:
    enforcing.stage("zonecast.toml", '[serial]\nmode = "sometimes"\n')
    refused = enforcing.commit()
    assert refused.status == 1
    assert "zonecast.toml" in refused.output
    assert "sometimes" in refused.output or "mode" in refused.output
    enforcing.stage("zonecast.toml", ENFORCE)
    enforcing.stage(NAME, zone(11, "www A 192.0.2.81"))
    assert enforcing.commit().ok


def test_the_staged_policy_counts(enforcing: Clone) -> None:
    enforcing.stage(NAME, zone(10, "www A 192.0.2.81"))
    enforcing.write("zonecast.toml", ENFORCE.replace("enforce", "managed"))
    assert "[serial-not-raised]" in enforcing.commit().output
    enforcing.git("add", "zonecast.toml")
    done = enforcing.commit()
    assert done.ok, done.output
    assert enforcing.serial("HEAD") == 10


def test_no_policy_means_the_defaults(fixing: Clone) -> None:
    fixing.git("rm", "--quiet", "zonecast.toml")
    fixing.git("commit", "--quiet", "--no-verify", "-m", "without")
    fixing.stage(NAME, zone(10, "www A 192.0.2.81"))
    assert fixing.commit().ok
    assert fixing.serial("HEAD") > 2_026_000_000


def test_a_changed_policy_does_not_call_up_old_faults(enforcing: Clone) -> None:
    enforcing.commit_unchecked({OTHER: zone(20, "bad A 192.0.2.999")})
    enforcing.stage("zonecast.toml", "# a comment\n" + ENFORCE)
    done = enforcing.commit()
    assert done.ok, done.output


def test_a_zone_that_a_policy_makes_is_judged(enforcing: Clone) -> None:
    enforcing.commit_unchecked({"data/hosts": zone(5).replace("@ IN NS ns1\n", "")})
    enforcing.stage("zonecast.toml", ENFORCE + '[origins]\n"data/hosts" = "example.org"\n')
    refused = enforcing.commit()
    assert refused.status == 1
    assert "[ns-missing]" in refused.output


def test_a_policy_that_forbids_what_is_there_says_so(enforcing: Clone) -> None:
    enforcing.commit_unchecked({OTHER: zone(21, "alias MX 10 nowhere")})
    enforcing.stage("zonecast.toml", ENFORCE + '[checks]\n"*" = "error"\n')
    refused = enforcing.commit()
    assert refused.status == 1
    assert f"{OTHER}:7:" in refused.output
