"""The zones of BIND's own checkzone tests: what named-checkzone says of them, we say too, but for
the exceptions that are named here and in docs/checks.md."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from peers import require

from zonecast.errors import RepositoryError
from zonecast.zone import names
from zonecast.zone.checks import run_checks
from zonecast.zone.findings import Finding, errors
from zonecast.zone.policy import Policy
from zonecast.zone.zonefile import read_zone

PREFIX = "bind-checkzone-"

# named-checkzone accepts, we do not.
REFUSED = {
    # A hardware address is two digits and a dash, again and again (RFC 7043 §3.2).
    "bad-eui48-no-leading-zero",
    "bad-eui48-trailing-garbage",
    "bad-eui64-no-leading-zero",
    "bad-eui64-trailing-garbage",
    # dnspython looks into the ECH configuration, which here is a placeholder.
    "bad-svcb-servername",
    "good-svcb",
    # It includes a file that is not part of the collection, and was when that was recorded.
    "bind-masterfile-ns1-include.db",
}
STRICT = ["-i", "local", *["-k", "fail", "-n", "fail", "-m", "fail", "-M", "fail", "-S", "fail"]]

# kzonecheck refuses, and we say nothing.
KNOT = {
    # It does not read them: named-checkzone and dnspython do.
    "bad-_dns-svcb1",
    "bad-cname-and-key",
    "good-generate-modifier",
    "good-nsec3-nopadhash",
    # Keys in a zone that is not signed.
    "warn.deprecated.cds-sha1",
    "warn.deprecated.digest-sha1",
    "warn.deprecated.ds-alg",
    "warn.deprecated.key-alg",
    "warn.deprecated.nsec3rsasha1",
    "warn.deprecated.rsasha1",
}


def include(wanted: str, from_path: str) -> tuple[str, bytes]:
    raise RepositoryError("the corpus has no included files")


def findings(path: Path, origin: str) -> list[Finding]:
    wire = names.from_text(origin, names.ROOT)
    parsed = read_zone(path.read_bytes(), path=path.name, origin=wire, include=include)
    return run_checks(parsed, Policy().zone(wire))


def cases(shared_data: Path) -> Iterator[tuple[str, dict[str, Any], Path, list[Finding]]]:
    """Each case by its short name: what is recorded of it, its file, and our findings."""
    for line in (shared_data / "lint" / "checkzone.jsonl").read_text().splitlines():
        case = json.loads(line)
        file = shared_data / case["file"]
        yield case["id"].removeprefix(PREFIX), case, file, findings(file, case["origin"])


def test_agrees_with_named_checkzone_but_for_the_exceptions_named_here(shared_data: Path) -> None:
    """Both ways, for every case: what it refuses is an error here, and nothing else is."""
    wrong: dict[bool, set[str]] = {True: set(), False: set()}
    total = 0
    for name, case, _, found in cases(shared_data):
        total += 1
        if bool(errors(found)) != (case["named-checkzone"] == "bad"):
            wrong[bool(errors(found))].add(name)
    assert total == 186
    assert wrong == {True: REFUSED, False: set()}


def test_what_it_and_the_corpus_find_nothing_wrong_with_is_accepted(shared_data: Path) -> None:
    fine = 0
    for name, case, _, found in cases(shared_data):
        if case["expect"] == case["named-checkzone"] == "ok" and name not in REFUSED:
            assert errors(found) == [], name
            fine += 1
    assert fine == 13


def test_a_finding_wherever_others_refuse_at_their_strictest(shared_data: Path) -> None:
    """named-checkzone with every check an error, and kzonecheck: where they refuse, we say
    something, error or warning, as the levels are by default."""
    named, knot = require("named-checkzone"), require("kzonecheck")
    silent: dict[str, set[str]] = {named: set(), knot: set()}
    refused = 0
    for name, case, file, found in cases(shared_data):
        if found:
            continue
        for command in (
            [named, *STRICT, case["origin"], str(file)],
            [knot, "-o", case["origin"], str(file)],
        ):
            done = subprocess.run(command, capture_output=True, check=False)
            if done.returncode:
                refused += 1
                silent[command[0]].add(name)
    assert refused > 0
    assert silent[named] == set()
    assert silent[knot] <= KNOT


def test_the_documentation_names_every_exception(project: Path) -> None:
    text = (project / "docs" / "checks.md").read_text("utf-8")
    beside = text.partition("## Beside named-checkzone")[2]
    for name in REFUSED:
        # In one row: bad-eui48-… stands for several.
        assert name in beside or name[: name.index("-", 5) + 1] + "…" in beside, name
