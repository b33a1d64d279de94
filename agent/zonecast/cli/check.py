"""`zonecast check`: lint a tree of zone files, a revision or the index.

Inside a git repository the step from the last commit is judged too: a changed zone needs a
greater serial. A tree without git is linted as it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Collection as Several
from pathlib import Path

import click

from zonecast.cli.annotations import github_lines, sarif
from zonecast.cli.place import Place, find_place
from zonecast.cli.render import format_option, relocated, say, show_findings
from zonecast.cli.revisions import (
    NO_FILES,
    Files,
    changed_between,
    committed,
    committed_or_none,
    read_zones,
    staged,
    touched_zones,
    work_tree,
)
from zonecast.errors import UsageError
from zonecast.zone.checks.across import check_across
from zonecast.zone.checks.signed import expired
from zonecast.zone.checks.zone_facts import extract
from zonecast.zone.collection import Collection
from zonecast.zone.findings import Finding, errors
from zonecast.zone.gate import judge
from zonecast.zone.policy import POLICY_FILE
from zonecast.zone.rrset import Zone


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=".")
@click.option("--rev", metavar="REV", help="Check this revision, against its first parent.")
@click.option("--staged", "from_index", is_flag=True, help="Check what is staged.")
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings too.")
@format_option("github", "sarif")
def command(
    path: Path, rev: str | None, from_index: bool, strict: bool, output_format: str
) -> None:
    """Lint the zone files below PATH, or that one zone file.

    The policy is the nearest zonecast.toml at or above PATH. Exit code 1: there are errors.
    """
    if rev is not None and from_index:
        raise click.UsageError("--rev and --staged exclude each other")
    place = find_place(path)
    new, old = _versions(place, rev, from_index)
    policy = new.policy(POLICY_FILE if rev is not None else place.display(POLICY_FILE))
    collection = read_zones(new, policy, place.includes)
    if place.below and not (place.top / place.below).is_dir() and not collection.zones:
        raise UsageError(
            "the policy's globs take this for no zone file",
            where=str(path),
            remedy=f"include = {list(policy.include)}",
        )
    findings = list(collection.unplaced)
    before = _zones_before(old, new, collection)
    for origin, parsed in collection.zones.items():
        findings += judge(before.get(origin), parsed, policy.zone(origin)).findings
    for origin, parsed in collection.zones.items():
        findings += expired(parsed, policy.zone(origin), time.time())
    facts = {
        origin: extract(parsed, policy.zone(origin)) for origin, parsed in collection.zones.items()
    }
    findings += check_across(facts, facts, policy)
    _show(findings, collection, new, str if rev is not None else place.display, output_format)
    if not collection.origins:
        say(f"no file is a zone file by the policy: include = {list(policy.include)}", err=True)
    if _refused(findings, strict):
        raise click.exceptions.Exit(1)


def _show(
    findings: list[Finding],
    collection: Collection,
    files: Files,
    display: Callable[[str], str],
    output_format: str,
) -> None:
    shown = relocated(findings, display)
    if output_format == "sarif":
        say(sarif(shown))
    elif output_format == "github":
        for line in github_lines(shown):
            say(line)
    else:
        paths = {display(item.position.path): item.position.path for item in findings}

        def source(path: str) -> bytes:
            return files.read(paths[path]) if paths[path] in files.paths else b""

        show_findings(shown, len(collection.zones), output_format, source)


def _refused(findings: list[Finding], strict: bool) -> bool:
    return bool(findings if strict else errors(findings))


def _versions(place: Place, rev: str | None, from_index: bool) -> tuple[Files, Files]:
    """(what is checked, what it is compared with)."""
    prefix = place.prefix
    if rev is not None:
        repository = place.needs_repository()
        new = committed(repository, rev, prefix)
        return new, committed_or_none(repository, f"{rev}^", prefix)
    if from_index:
        repository = place.needs_repository()
        return staged(repository, prefix), committed_or_none(repository, "HEAD", prefix)
    if place.repository is None:
        return work_tree(place.top, None), NO_FILES
    if place.repository.bare:
        raise UsageError(
            "a bare repository has no work tree", where=str(place.top), remedy="use --rev"
        )
    head = committed_or_none(place.repository, "HEAD", prefix)
    return work_tree(place.top, place.repository), head


def _zones_before(old: Files, new: Files, collection: Collection) -> dict[bytes, Zone]:
    """The earlier versions of the zones in `collection` that may have changed."""
    if not old.paths:
        return {}
    policy = old.policy_or(collection.policy)
    looked_at: Several[str] = {path for zone in collection.zones.values() for path in zone.files}
    touched = touched_zones(changed_between(old, new, looked_at), old, policy)
    earlier = read_zones(old, policy, touched.__contains__)
    return {origin: parsed.zone for origin, parsed in earlier.zones.items()}
