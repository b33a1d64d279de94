"""Zone files of other people: the records that dnspython's own zone reader finds, each of them."""

from __future__ import annotations

import json
from pathlib import Path

import dns.zone

from zonecast.errors import RepositoryError
from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.findings import errors
from zonecast.zone.rrset import Zone
from zonecast.zone.zonefile import Parsed, read_zone

Contents = dict[tuple[str, int, int, int], set[bytes]]


def ours(zone: Zone) -> Contents:
    found: Contents = {}
    for rrset in zone:
        covered = int.from_bytes(rrset.rdatas[0][:2], "big") if rrset.rtype == rd.RRSIG else 0
        owner = names.owner_text(rrset.owner, zone.origin).lower()
        found[owner, rrset.rtype, covered, rrset.ttl] = set(rrset.rdatas)
    return found


def theirs(text: str, origin: str) -> Contents:
    zone = dns.zone.from_text(text, origin, relativize=False, check_origin=False)
    return {
        (
            name.to_text().lower(), int(data.rdtype), int(data.covers), data.ttl,
        ): {rdata.to_wire() for rdata in data}
        for name, data in zone.iterate_rdatasets()
    }  # fmt: skip


def parse(content: bytes, origin: str) -> Parsed:
    def include(wanted: str, from_path: str) -> tuple[str, bytes]:
        raise RepositoryError(wanted)

    return read_zone(content, path="zone", origin=names.from_text(origin), include=include)


def test_every_real_zone_has_dnspythons_records(shared_data: Path) -> None:
    compared = 0
    for line in (shared_data / "zones" / "index.jsonl").read_text().splitlines():
        entry = json.loads(line)
        content = (shared_data / entry["file"]).read_bytes()
        parsed = parse(content, entry["origin"])
        if [finding.id for finding in parsed.findings] == ["include-failed"]:
            continue
        assert errors(parsed.findings) == [], entry["file"]
        assert ours(parsed.zone) == theirs(content.decode(), entry["origin"]), entry["file"]
        assert parsed.zone.count() == entry["records"], entry["file"]
        compared += 1
    assert compared >= 38
