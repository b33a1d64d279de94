"""The zones of BIND's own checkzone tests: what named-checkzone says of them, we say too."""

from __future__ import annotations

import json
from pathlib import Path

from zonecast.errors import RepositoryError
from zonecast.zone import names
from zonecast.zone.checks import run_checks
from zonecast.zone.findings import Finding, errors
from zonecast.zone.policy import Policy
from zonecast.zone.zonefile import read_zone

# named-checkzone refuses, we do not: dnspython reads an NSAP of no octets.
ACCEPTED = {
    "bind-checkzone-bad-nsap-empty",
}
# named-checkzone accepts, we do not.
REFUSED = {
    # A hardware address is two digits and a dash, again and again (RFC 7043 §3.2).
    "bind-checkzone-bad-eui48-no-leading-zero",
    "bind-checkzone-bad-eui48-trailing-garbage",
    "bind-checkzone-bad-eui64-no-leading-zero",
    "bind-checkzone-bad-eui64-trailing-garbage",
    # dnspython looks into the ECH configuration, which here is a placeholder.
    "bind-checkzone-bad-svcb-servername",
    "bind-checkzone-good-svcb",
}


def include(wanted: str, from_path: str) -> tuple[str, bytes]:
    raise RepositoryError("the corpus has no included files")


def findings(path: Path, origin: str) -> list[Finding]:
    wire = names.from_text(origin, names.ROOT)
    parsed = read_zone(path.read_bytes(), path=path.name, origin=wire, include=include)
    return run_checks(parsed, Policy().zone(wire))


def test_agrees_with_named_checkzone_but_for_the_exceptions_named_here(shared_data: Path) -> None:
    accepted, refused, total = set(), set(), 0
    for line in (shared_data / "lint" / "checkzone.jsonl").read_text().splitlines():
        case = json.loads(line)
        found = findings(shared_data / case["file"], case["origin"])
        if any(finding.id == "include-failed" for finding in found):
            continue
        total += 1
        if bool(errors(found)) != (case["named-checkzone"] == "bad"):
            (refused if errors(found) else accepted).add(case["id"])
    assert (accepted, refused) == (ACCEPTED, REFUSED)
    assert total >= 175


def test_what_is_fine_to_named_without_a_word_is_fine(shared_data: Path) -> None:
    for line in (shared_data / "lint" / "checkzone.jsonl").read_text().splitlines():
        case = json.loads(line)
        if case["expect"] == case["named-checkzone"] == "ok" and case["id"] not in REFUSED:
            found = findings(shared_data / case["file"], case["origin"])
            assert errors(found) == [], case["id"]
