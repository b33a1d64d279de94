"""The serial rule (RFC 1982): what may follow what, and which number to write."""

from __future__ import annotations

import base64

import pytest
from zone_support import ORIGIN, TOP, ids, read

from zonecast.zone.gate import Verdict, judge
from zonecast.zone.policy import Policy
from zonecast.zone.zonefile import Parsed

FIX = Policy().zone(ORIGIN)


def version(serial: int, text: str = "") -> Parsed:
    return read(TOP.replace("2026112101", str(serial)) + text)


def step(old: int, new: int, text: str = "www A 192.0.2.2\n") -> Verdict:
    return judge(version(old).zone, version(new, text), FIX)


@pytest.mark.parametrize(
    ("old", "new"),
    [(1, 2), (1, 2**31), (2**32 - 1, 0), (2**32 - 1, 2**31 - 2), (2**31, 2**32 - 1)],
)
def test_a_greater_serial_passes(old: int, new: int) -> None:
    verdict = step(old, new)
    assert verdict.ok
    assert verdict.changeset is not None
    assert [rrset.owner for rrset in verdict.changeset.added] == [b"\x03www"]


@pytest.mark.parametrize(
    ("old", "new", "kind", "lowest"),
    [
        (5, 5, "serial-not-raised", "6 or more"),
        (5, 4, "serial-backwards", "6 or more"),
        (1, 2**32 - 1, "serial-backwards", "2 or more"),
        (5, 5 + 2**31, "serial-undefined-step", "6 or more"),
        (2**32 - 1, 2**32 - 1, "serial-not-raised", "1 or more"),
    ],
)
def test_any_other_is_refused_at_the_serial(old: int, new: int, kind: str, lowest: str) -> None:
    verdict = step(old, new)
    assert ids(verdict.findings) == [kind]
    assert not verdict.ok
    finding = verdict.findings[0]
    assert str(finding.position) == "zones/example.com.zone:2:21"
    assert f"raise it to {lowest} " in finding.remedy
    assert f"zonecast bump --above {old} zones/example.com.zone" in finding.remedy


@pytest.mark.parametrize("new", [5 + 2**31, 4])
def test_a_wrong_step_is_refused_without_a_change_too(new: int) -> None:
    assert not step(5, new, "").ok


def test_a_raised_serial_without_a_change_passes() -> None:
    assert step(5, 6, "").ok
    assert step(5, 5, "").ok


@pytest.mark.parametrize(
    "text",
    [
        "; a comment\n",
        "NS 1h A 192.0.2.1\n",
        "ns.Example.COM. IN A 192.0.2.1 ; again\n",
        "\n\n",
    ],
)
def test_comments_spelling_and_case_of_names_are_no_change(text: str) -> None:
    assert step(5, 5, text).ok


def test_order_is_no_change_and_the_case_of_txt_is_one() -> None:
    old = version(5, "a TXT x\nb TXT y\n").zone
    assert judge(old, version(5, "b TXT y\na TXT x\n"), FIX).ok
    assert ids(judge(old, version(5, "a TXT X\nb TXT y\n"), FIX).findings) == ["serial-not-raised"]


@pytest.mark.parametrize("edit", [("hostmaster", "postmaster"), ("300\n", "301\n"), ("3600", "60")])
def test_the_soa_and_ttls_are_content(edit: tuple[str, str]) -> None:
    changed = read(TOP.replace(*edit, 1))
    assert ids(judge(read(TOP).zone, changed, FIX).findings) == ["serial-not-raised"]


def test_a_new_zone_passes_with_any_serial() -> None:
    verdict = judge(None, version(0), FIX)
    assert verdict.ok
    assert verdict.changeset is not None
    assert verdict.changeset.old_serial is None


def test_managed_serials_are_not_judged() -> None:
    policy = Policy.from_toml(b'[zone."example.com"]\nserial.mode = "managed"\n', "zonecast.toml")
    assert judge(version(5).zone, version(4, "www A 192.0.2.2\n"), policy.zone(ORIGIN)).ok


def test_a_version_without_soa_has_findings_and_no_changeset() -> None:
    verdict = judge(version(5).zone, read("$TTL 60\n@ NS ns\n"), FIX)
    assert verdict.changeset is None
    assert ids(verdict.findings) == ["soa-missing"]


def test_an_old_version_without_soa_is_no_version() -> None:
    assert judge(read("$TTL 60\n@ NS ns\n").zone, version(1), FIX).ok


def text_of(records: int) -> str:
    """Each of 8,000 octets."""
    strings = " ".join([f'"{"x" * 249}"'] * 32)
    return "".join(f'big TXT "{number:05}" {strings}\n' for number in range(records))


def signature_of(octets: int) -> str:
    key = base64.b64encode(bytes(octets)).decode()
    return f"big RRSIG TXT 8 3 300 20360101000000 20260101000000 1 example.com. {key}\n"


@pytest.mark.parametrize(
    ("text", "too_large"),
    [
        (text_of(7), False),
        (text_of(8), True),
        (text_of(7) + signature_of(4000), False),
        (text_of(7) + signature_of(9000), True),
        (text_of(1) + signature_of(60000), True),
        (signature_of(65000), True),
    ],
)
def test_what_fits_into_no_message_with_its_signatures_is_refused(
    text: str, too_large: bool
) -> None:
    found = [f.message for f in step(1, 2, text).findings if f.id == "rrset-over-message"]
    assert len(found) == too_large
    assert all("octets of records" in message for message in found)
