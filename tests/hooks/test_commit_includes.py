"""A changed include changes every zone that includes it."""

from __future__ import annotations

import pytest
from zones_clone import NAME, OTHER, Clone, zone


def _shared(clone: Clone) -> None:
    clone.commit_unchecked(
        {
            "includes/mail.inc": "@ MX 10 mx.example.org.\n",
            NAME: zone(10, "$INCLUDE includes/mail.inc"),
            OTHER: zone(20, "$INCLUDE ../includes/mail.inc"),
            "zones/example.org.zone": zone(30),
        }
    )


def test_each_zone_needs_a_serial(enforcing: Clone) -> None:
    """Pitfall: each zone that includes a changed file needs a new serial."""
    _shared(enforcing)
    enforcing.stage("includes/mail.inc", "@ MX 20 mx.example.org.\n")
    refused = enforcing.commit()
    assert refused.status == 1
    assert f"{NAME}:2:27: error" in refused.output
    assert f"{OTHER}:2:27: error" in refused.output
    assert "example.org.zone" not in refused.output
    bumped = enforcing.zonecast("bump")
    assert bumped.ok
    assert "10 → 11" in bumped.output
    assert "20 → 21" in bumped.output
    assert enforcing.work_serial("zones/example.org.zone") == 30
    enforcing.git("add", "--all")
    assert enforcing.commit().ok


def test_each_zone_is_given_a_serial(fixing: Clone) -> None:
    _shared(fixing)
    fixing.stage("includes/mail.inc", "@ MX 20 mx.example.org.\n")
    done = fixing.commit()
    assert done.ok, done.output
    assert (fixing.serial("HEAD"), fixing.serial("HEAD", OTHER)) == (11, 21)
    assert fixing.serial("HEAD", "zones/example.org.zone") == 30
    assert fixing.git("status", "--porcelain") == ""


def test_a_removed_include_is_missed(enforcing: Clone) -> None:
    _shared(enforcing)
    enforcing.git("rm", "--quiet", "includes/mail.inc")
    refused = enforcing.commit()
    assert refused.status == 1
    assert f"{NAME}:7:" in refused.output
    assert "[include-failed]" in refused.output


def test_an_include_is_read_from_the_index(enforcing: Clone) -> None:
    _shared(enforcing)
    enforcing.stage("includes/mail.inc", "@ MX 20 mx.example.org.\n")
    enforcing.write("includes/mail.inc", "@ MX 10 mx.example.org.\n")
    assert "[serial-not-raised]" in enforcing.commit().output


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "../../../../etc/passwd"])
def test_an_include_never_leaves_the_repository(enforcing: Clone, path: str) -> None:
    """Pitfall: includes are confined to the repository."""
    (enforcing.path.parent / "outside").write_text("leak TXT secret\n")
    enforcing.stage(NAME, zone(11, f"$INCLUDE {path}"))
    refused = enforcing.commit()
    assert refused.status == 1
    assert "[include-failed]" in refused.output
    assert "root:" not in refused.output


def test_zones_that_share_a_soa_share_its_serial(fixing: Clone) -> None:
    soa = "@ 3600 SOA ns1 hostmaster ( 50 ; serial\n 7200 900 1209600 300 )\n"
    body = "$TTL 3600\n$INCLUDE soa.inc\n@ NS ns1\nns1 A 192.0.2.1\n"
    fixing.commit_unchecked({"soa.inc": soa, NAME: body, OTHER: body})
    fixing.stage(NAME, body + "new A 192.0.2.2\n")
    done = fixing.commit()
    assert done.ok, done.output
    assert done.output.count("50 → 51") == 1
    assert fixing.serial("HEAD", "soa.inc") == 51
    assert fixing.git("status", "--porcelain") == ""
