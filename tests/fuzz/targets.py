"""What is fed with arbitrary octets: each function takes some, and raises where a promise is broken.

Used by hypothesis (`test_targets.py`) and by atheris (`guided.py`). None may hang, none may end in
another exception than the ones that a command shows to a person. Where a target needs several
files, SEPARATOR stands between them.
"""

from __future__ import annotations

import atexit
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from answering import packet

from zonecast.cli.hooks.judgement import Parent, judge_change
from zonecast.cli.hooks.merge import Sides, merge_zone
from zonecast.cli.hooks.serials import Wanted, plan_edits
from zonecast.cli.hooks.serials import edited as raised
from zonecast.cli.revisions import Files
from zonecast.errors import ConfigError, RejectedError, RepositoryError
from zonecast.repository import Repository
from zonecast.zone import names
from zonecast.zone.changeset import diff
from zonecast.zone.findings import Finding, errors
from zonecast.zone.gate import judge
from zonecast.zone.policy import POLICY_FILE, Policy
from zonecast.zone.rrset import SOA_KEY, RRset, Zone, node_of
from zonecast.zone.serial import is_greater
from zonecast.zone.zonefile import Parsed, read_zone
from zonecast.zone.zonefile.increment import read_step

ORIGIN = names.from_text("example.com.")
PATH = "zones/example.com.zone"
INCLUDED = "a.inc"
SEPARATOR = b"\n;====\n"
TOP = b"$TTL 3600\n@ SOA ns hostmaster 2026112101 7200 3600 1209600 300\n@ NS ns\nns A 192.0.2.1\n"
NOW = 1_800_000_000.0


def _read(content: bytes, included: bytes = b"") -> Parsed:
    def include(wanted: str, from_path: str) -> tuple[str, bytes]:
        if wanted != INCLUDED:
            raise RepositoryError(f"'{wanted}' is not in the repository")
        return wanted, included

    return read_zone(content, path=PATH, origin=ORIGIN, include=include)


def _parts(content: bytes, count: int) -> list[bytes]:
    found = content.split(SEPARATOR, count - 1)
    return found + [b""] * (count - len(found))


def _placed(findings: list[Finding], files: dict[str, bytes]) -> None:
    """Every finding names a place that is there, and says something that can be printed."""
    for finding in findings:
        path, line, column = finding.position
        assert path in files, finding
        lines = files[path].split(b"\n")
        assert 0 <= line <= len(lines), finding
        # Findings at the end of a line stand one column behind it.
        assert 0 <= column <= (len(lines[line - 1]) + 2 if line else 0), finding
        assert finding.message
        str(finding).encode("utf-8", "surrogateescape")


def reader(content: bytes) -> None:
    """A zone file, and one that it may include, are read and judged after another version: either
    there is an error with its place, or there is a zone that can be served."""
    zone, included = _parts(content, 2)
    parsed = _read(zone, included)
    verdict = judge(_read(TOP).zone, parsed, Policy().zone(ORIGIN))
    _placed(verdict.findings, {PATH: zone, INCLUDED: included})
    if verdict.ok:
        assert parsed.zone.soa is not None
        assert parsed.zone.serial is not None
        assert all(rrset.rdatas for rrset in parsed.zone)
        parsed.zone.count()


def bump(content: bytes) -> None:
    """A raised serial changes its own digits and nothing else that the file says."""
    parsed = _read(content)
    if errors(parsed.findings):
        return
    serial = parsed.zone.serial
    assert serial is not None
    where = PATH
    edits = []
    try:
        edits = plan_edits([Wanted(parsed, "increment", [serial])], NOW)
    except RejectedError as error:
        where = error.where
    assert where.startswith(PATH)
    if not edits:
        return  # not written in digits: the place is said, the file stays
    (edit,) = edits
    assert edit.path == PATH
    assert int(content[edit.start : edit.end]) == serial
    again = raised(content, edits)
    assert again[: edit.start] == content[: edit.start]
    assert again.endswith(content[edit.end :])
    after = _read(again)
    if errors(after.findings):
        # The SOA twice, and one of the two raised: `bump` and the hook read again before they write.
        assert [found.id for found in errors(after.findings)] == ["soa-multiple"]
        assert any(found.id == "duplicate-record" for found in parsed.findings)
        return
    assert after.zone.serial == edit.serial
    assert is_greater(edit.serial, serial)
    assert _without_soa(after.zone) == _without_soa(parsed.zone)


def _without_soa(zone: Zone) -> dict[bytes, object]:
    return {key: rrset for key, rrset in zone.rrsets.items() if key != SOA_KEY}


def hook(content: bytes) -> None:
    """A commit is judged: its zone, what that includes and its policy, after another zone. The
    answer is findings with places, or an error that a command shows."""
    new, old, included, policy = _parts(content, 4)
    before = {PATH: old or TOP, POLICY_FILE: b""}
    after = {PATH: new, INCLUDED: included, POLICY_FILE: policy}
    changed = {path for path in after if after[path] != before.get(path)}
    try:
        judgement = judge_change([Parent(_files(before), changed)], _files(after))
    except (ConfigError, RejectedError):
        return
    _placed(judgement.findings, after)
    for zone in judgement.zones.values():
        if zone.fixable:
            with suppress(RejectedError):
                plan_edits([zone.wanted()], NOW)


def _files(contents: dict[str, bytes]) -> Files:
    return Files(contents, lambda paths: {path: contents[path] for path in paths})


def merge(content: bytes) -> None:
    """Three versions of a zone file are merged, or git says why not; nothing of the driver's own
    is left in the text, and equal versions stay as they are."""
    ours, ancestor, theirs = _parts(content, 3)
    sides = Sides(ours, ancestor, theirs)
    try:
        merged = merge_zone(_repository(), PATH, sides, 7, NOW)
    except RepositoryError:
        assert any(b"\0" in side for side in sides)
        return
    if not any(b"zonecast-serial" in side for side in sides):
        assert b"zonecast-serial" not in merged.content
    if ours == theirs:
        assert merged.content == ours
    if merged.serial is not None:
        for side in (ours, theirs):
            serial = _read(side).zone.serial
            assert serial is None or merged.serial == serial or is_greater(merged.serial, serial)


@cache
def _repository() -> Repository:
    directory = tempfile.TemporaryDirectory(prefix="zonecast-fuzz-")
    atexit.register(directory.cleanup)
    path = Path(directory.name, "zones.git")
    subprocess.run(["git", "init", "--quiet", "--bare", str(path)], check=True)
    return Repository.open(path)


def policy(content: bytes) -> None:
    """A policy is read, or refused with the file's name."""
    said = POLICY_FILE
    try:
        Policy.from_toml(content, POLICY_FILE).zone(ORIGIN)
    except ConfigError as error:
        said = str(error)
    assert said.startswith(POLICY_FILE)


def increment(content: bytes) -> None:
    """A version of a big file read only where it differs is the version read as a whole. The
    octets say what is cut out of the last version where, and what comes in its place."""
    old = BIG
    new = edited(old, content)
    step = read_step(old, new, path=PATH, origin=ORIGIN)
    if step is None:
        return  # it has to be read as a whole
    before, after = _big(), _read(new)
    assert errors(after.findings) == []

    def node(wanted: bytes) -> dict[bytes, RRset]:
        return {key: rrset for key, rrset in before.rrsets.items() if node_of(key) == wanted}

    found, expected = step.changeset(node), diff(before, after.zone)
    assert found._replace(deleted=[], added=[]) == expected._replace(deleted=[], added=[])
    for mine, theirs in ((found.deleted, expected.deleted), (found.added, expected.added)):
        assert {_as_set(rrset) for rrset in mine} == {_as_set(rrset) for rrset in theirs}


BIG = TOP + b"".join(
    (
        b"host%d A 10.0.0.%d\n"
        b"  MX 10 mail ; of host%d (\n"
        b'Host%d.example.com. 60 IN TXT ( "a;b" ; one\n   two%d )\n'
        b"\t\tAAAA 2001:db8::%x\n"
        b"h%d.sub IN CNAME host%d\n"
        % (number, number, number, number, number, number, number, number)
    )
    for number in range(40)
)


@cache
def _big() -> Zone:
    parsed = _read(BIG)
    assert errors(parsed.findings) == []
    return parsed.zone


def edited(text: bytes, program: bytes) -> bytes:
    """Edits as octets: two of a place, one of how many go, one of how many come, and those."""
    at = 0
    while at + 4 <= len(program):
        place = int.from_bytes(program[at : at + 2], "big") % (len(text) + 1)
        gone, come = program[at + 2] % 64, program[at + 3] % 64
        text = text[:place] + program[at + 4 : at + 4 + come] + text[place + gone :]
        at += 4 + come
    return text


def _as_set(rrset: RRset) -> tuple[bytes, int, frozenset[bytes]]:
    return rrset.key, rrset.ttl, frozenset(rrset.rdatas)


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target for target in (reader, bump, hook, merge, policy, increment, packet)
}
