"""Zones that were signed before they came here."""

from __future__ import annotations

import re
from pathlib import Path

import dns.dnssec
import dns.rdata
import pytest
from zone_support import ORIGIN, TOP, check, ids, places, read

from zonecast.errors import RepositoryError
from zonecast.zone import names
from zonecast.zone.checks import run_checks
from zonecast.zone.checks.expiry import expired, signed_spans
from zonecast.zone.policy import Policy
from zonecast.zone.zonefile import Parsed, read_zone

SIGNATURE = "RRSIG {} 8 2 3600 20261201000000 20261101000000 1 example.com. AAAA"
KEY = "@ DNSKEY 256 3 8 +/g=\n"  # of the tag 1, as in SIGNATURE
# 2026-11-15, within the signature's time.
VALID = 1794700800.0
DNSSEC = {"rrsig-stray", "rrsig-missing", "rrsig-without-key", "nsec-chain", "nsec3-hash"}
DNSSEC |= {"nsec-types", "nsec-missing"}
SHARED = (
    ("domain-rfc4035-appendix-A.zone", "example."),
    ("domain-rfc5155-appendix-A.zone", "example."),
    ("root-_43-rfc8976-uri.arpa-example.zone", "uri.arpa."),
    ("root-_44-rfc8976-root-servers.net-example.zone", "root-servers.net."),
)


def include(wanted: str, from_path: str) -> tuple[str, bytes]:
    raise RepositoryError(wanted)


def shared(folder: Path, name: str, origin: str, old: bytes = b"", new: bytes = b"") -> Parsed:
    content = (folder / "zones" / name).read_bytes()
    changed = re.sub(old, new, content) if old else content
    assert not old or changed != content
    return read_zone(changed, path=name, origin=names.from_text(origin), include=include)


def test_the_zones_of_the_standards_are_right(shared_data: Path) -> None:
    for name, origin in SHARED:
        parsed = shared(shared_data, name, origin)
        kinds = set(ids(run_checks(parsed, Policy().zone(parsed.zone.origin))))
        assert not kinds & DNSSEC, name
        assert "zonemd-wrong" not in kinds, name


def test_a_changed_zone_has_not_its_zonemd(shared_data: Path) -> None:
    name, origin = SHARED[3]
    parsed = shared(shared_data, name, origin, rb"198\.41\.0\.4", b"198.41.0.5")
    assert "zonemd-wrong" in ids(run_checks(parsed, Policy().zone(parsed.zone.origin)))


def test_a_signature_over_nothing() -> None:
    assert places(check(f"{TOP}{KEY}www {SIGNATURE.format('A')}\n")) == [("rrsig-stray", 6, 1)]
    assert check(f"{TOP}{KEY}ns {SIGNATURE.format('A')}\n") == []


def test_a_signature_of_no_key() -> None:
    """Said once, at the first; one of two is enough, while keys are replaced."""
    signed = f"{TOP}a TXT x\nns {SIGNATURE.format('A')}\na {SIGNATURE.format('TXT')}\n"
    assert places(check(signed)) == [("rrsig-without-key", 6, 1)]
    assert check(signed + KEY) == []
    other = f"ns {SIGNATURE.format('A').replace('60 1 ', '60 2 ').replace('000 1 ', '000 2 ')}\n"
    assert check(signed + KEY + other) == []
    assert places(check(TOP + KEY + other)) == [("rrsig-without-key", 6, 1)]


def test_an_unsigned_set_of_a_signed_zone() -> None:
    covered = ("SOA", "NS", "DNSKEY")
    signed = KEY + "".join(f"@ {SIGNATURE.format(rtype)}\n" for rtype in covered)
    assert places(check(TOP + signed)) == [("rrsig-missing", 4, 1)]
    signed += f"ns {SIGNATURE.format('A')}\nsub NS ns.sub\nns.sub A 192.0.2.2\n"
    assert check(TOP + signed) == []


def test_expired_and_not_valid_yet() -> None:
    parsed = read(f"{TOP}ns {SIGNATURE.format('A')}\nns A 192.0.2.1\n")
    policy = Policy().zone(ORIGIN)
    signed = signed_spans(parsed)
    assert expired(signed, ORIGIN, policy, VALID) == []
    for now in (VALID - 40 * 86400, VALID + 40 * 86400):
        assert places(expired(signed, ORIGIN, policy, now)) == [("rrsig-expired", 5, 1)]
    off = Policy.from_toml(b'[checks]\nrrsig-expired = "off"\n', "zonecast.toml").zone(ORIGIN)
    assert expired(signed, ORIGIN, off, VALID + 40 * 86400) == []


def test_expired_is_said_once_for_all_and_ignored_at_the_first() -> None:
    stale = "\n".join(f"{owner} {SIGNATURE.format('A')}" for owner in ("ns", "www", "mail"))
    records = "ns A 192.0.2.1\nwww A 192.0.2.1\nmail A 192.0.2.1\n"
    policy = Policy().zone(ORIGIN)
    signed = signed_spans(read(f"{TOP}{stale}\n{records}"))
    (item,) = expired(signed, ORIGIN, policy, VALID + 40 * 86400)
    assert item.message.endswith("over ns.example.com. A is expired or not valid yet (2 more)")
    marked = stale.replace("\n", " ; zonecast: ignore=rrsig-expired\n", 1)
    signed = signed_spans(read(f"{TOP}{marked}\n{records}"))
    assert expired(signed, ORIGIN, policy, VALID + 40 * 86400) == []


def test_a_chain_that_leaves_a_name_out() -> None:
    whole = "@ NSEC a SOA NS NSEC\na NSEC ns A NSEC\na A 192.0.2.1\nns NSEC @ A NSEC\n"
    assert check(TOP + whole) == []
    assert places(check(TOP + whole.replace("NSEC a ", "NSEC ns "))) == [("nsec-chain", 5, 1)]


def test_a_proof_and_its_name() -> None:
    """At a delegation the proof has what is this side of it, and below it there is none."""
    cut = "@ NSEC ns SOA NS NSEC\nns NSEC sub A NSEC\nsub NSEC @ NS DS NSEC\n"
    cut += f"sub NS ns.sub\nsub A 192.0.2.2\nns.sub A 192.0.2.2\nsub DS 1 8 2 {'ab' * 32}\n"
    assert check(TOP + cut) == []
    assert places(check(TOP + cut + "ns TXT x\n")) == [("nsec-types", 6, 1)]
    assert places(check(TOP + cut.replace("NS DS NSEC", "NS NSEC"))) == [("nsec-types", 7, 1)]
    found = check(TOP + cut + "a.b A 192.0.2.1\na.b TXT x\n")
    assert places(found) == [("nsec-missing", 12, 1)]


def test_the_hash_of_a_name() -> None:
    """Delegations without DS may go without (opt-out)."""
    hashed = sorted(
        dns.dnssec.nsec3_hash(name, "AABB", 5, 1) for name in ("example.com.", "ns.EXAMPLE.com.")
    )
    chain = "@ NSEC3PARAM 1 0 5 AABB\nsub NS ns\n"
    for one, following in zip(hashed, hashed[1:] + hashed[:1], strict=True):
        chain += f"{one} NSEC3 1 1 5 AABB {following} A\n"
    assert check(TOP + chain) == []
    assert places(check(f"{TOP}{chain}a A 192.0.2.1\n")) == [("nsec-missing", 9, 1)]
    secure = f"{TOP}{chain}sub DS 1 8 2 {'ab' * 32}\n"
    assert places(check(secure)) == [("nsec-missing", 6, 1)]
    many = (TOP + chain).replace("NSEC3PARAM 1 0 5", "NSEC3PARAM 1 0 151")
    assert check(many) == []  # not computed


def test_hashes_in_a_chain() -> None:
    one, two = "0" * 32, "2" * 32
    whole = f"{one} NSEC3 1 0 0 - {two} A\n{two} NSEC3 1 0 0 - {one} A\n"
    assert check(TOP + whole) == []
    assert places(check(TOP + whole.replace(f"{two} A", f"{one} A"))) == [("nsec-chain", 5, 1)]
    assert ids(check(TOP + whole.replace(f"{one} NSEC3", "00 NSEC3"))) == ["nsec3-hash"]


def test_keys_for_the_parent_are_keys_of_the_zone() -> None:
    zone = "@ DNSKEY 257 3 8 AAAA\n@ CDNSKEY 257 3 8 AAAA\n"
    assert check(TOP + zone) == []
    assert check(TOP + "@ CDNSKEY 0 3 0 AA==\n@ CDS 0 0 0 00\n") == []
    wrong = f"{zone}@ CDNSKEY 257 3 8 AAAB\n@ CDS 1 8 2 {'ab' * 32}\n"
    assert places(check(TOP + wrong)) == [("cds-without-key", 7, 1), ("cds-without-key", 8, 1)]


def test_digests_and_keys_for_the_parent_are_of_the_same_keys() -> None:
    keys = "@ DNSKEY 257 3 8 AAAA\n@ DNSKEY 257 3 8 AAAB\n"
    digests = {key: digest(257, key) for key in ("AAAA", "AAAB")}
    both = "".join(f"@ CDNSKEY 257 3 8 {key}\n@ CDS {digests[key]}\n" for key in digests)
    assert check(TOP + keys + both) == []
    one_each = f"@ CDNSKEY 257 3 8 AAAA\n@ CDS {digests['AAAB']}\n"
    assert places(check(TOP + keys + one_each)) == [("cds-differs", 7, 1)]
    assert ids(check(TOP + keys + both + "@ CDNSKEY 257 3 13 AAAA\n")) == ["cds-without-key"]


@pytest.mark.parametrize(
    "line",
    [
        "x DNSKEY 256 3 8 AAAA",
        "@ DNSKEY 256 2 8 AAAA",
        "@ DNSKEY 0 3 8 AAAA",
        "x NSEC3PARAM 1 0 0 -",
        "@ NSEC3PARAM 2 0 0 -",
        "@ NSEC3PARAM 1 1 151 -",
    ],
)
def test_parameters_that_nobody_uses(line: str) -> None:
    assert places(check(f"{TOP}{line}\n")) == [("dnssec-parameters", 5, 1)]


def digest(flags: int, key: str) -> str:
    found = dns.dnssec.make_ds(
        "example.com.", dns.rdata.from_text("IN", "DNSKEY", f"{flags} 3 8 {key}"), "SHA256"
    )
    return found.to_text()
