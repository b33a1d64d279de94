"""`zonecast check`: lint a tree of zone files, a revision or the index.

Inside a git repository the step from the last commit is judged too: a changed zone needs a
greater serial. A tree without git is linted as it is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zonecast.cli.checking.annotations import github_lines, sarif
from zonecast.cli.checking.cache import Cache, cache_directory
from zonecast.cli.checking.excerpts import excerpts
from zonecast.cli.checking.helpers import Helpers
from zonecast.cli.checking.progress import progress
from zonecast.cli.checking.record import Outcome, decode_findings, encode_findings
from zonecast.cli.checking.tree_state import TreeState
from zonecast.cli.checking.zones import Before, Zones
from zonecast.cli.place import Place, find_place
from zonecast.cli.render import format_option, relocated, say, show_findings
from zonecast.cli.revisions import (
    NO_FILES,
    Files,
    committed,
    committed_or_none,
    staged,
    work_tree,
)
from zonecast.errors import RepositoryError, UsageError
from zonecast.zone.checks.across import check_across
from zonecast.zone.checks.expiry import expired
from zonecast.zone.collection import Reading, linked
from zonecast.zone.findings import Finding, errors
from zonecast.zone.policy import POLICY_FILE, Policy

if TYPE_CHECKING:  # a tree without git is checked without loading it
    from zonecast.repository import Repository


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
    cache = Cache(cache_directory(place.repository, os.environ), time.time())
    new, old, state = _versions(place, rev, from_index, cache)
    policy = new.policy(POLICY_FILE if rev is not None else place.display(POLICY_FILE))
    zones = Zones(new, policy, cache, place.includes)
    reading = zones.reading
    reading.unplaced += linked(filter(place.includes, new.links), policy)
    if place.below and not (place.top / place.below).is_dir():
        _needs_zone_file(reading, policy, str(path))
    outcomes = judge_all(zones, Before(old, new, policy), output_format)
    findings = [*reading.unplaced, *(item for one in outcomes.values() for item in one.findings)]
    for origin, outcome in outcomes.items():
        if outcome.signed:
            findings += expired(outcome.signed, origin, policy.zone(origin), time.time())
    findings += judge_across(zones, outcomes, cache)
    _show(findings, zones, cache, str if rev is not None else place.display, output_format)
    if state is not None:
        state.keep(new.paths)
    cache.close()
    if not reading.origins:
        say(f"no file is a zone file by the policy: include = {list(policy.include)}", err=True)
    if _refused(findings, strict):
        raise click.exceptions.Exit(1)


def _needs_zone_file(reading: Reading, policy: Policy, path: str) -> None:
    if not reading.wanted and not reading.unplaced:
        raise UsageError(
            "the policy's globs take this for no zone file",
            where=path,
            remedy=f"include = {list(policy.include)}",
        )


def judge_all(zones: Zones, before: Before, output_format: str) -> dict[bytes, Outcome]:
    """What is known of the zones that were asked for, and what is found in the others."""
    reading = zones.reading
    known = {
        origin: outcome
        for origin, outcome in zones.recall(reading.wanted).items()
        if not before.differs(origin, reading.holders[origin], outcome.sources)
    }
    unknown = [origin for origin in reading.wanted if origin not in known]
    zones.files.prefetch(reading.holders[origin] for origin in unknown)
    with progress("zones", len(unknown), output_format) as advance:

        def judge_here(origins: Iterable[bytes]) -> None:
            for origin in origins:
                parsed = reading.zone(origin)
                known[origin] = zones.judge(parsed, before)
                if len(zones) > 1:
                    zones.add(parsed)
                advance()

        helpers = Helpers(zones, [o for o in unknown if not _needs_more(o, zones, before)])
        judge_here(origin for origin in unknown if origin not in helpers.taken)
        for origin, outcome in helpers.results():
            known[origin] = outcome
            advance()
        judge_here(origin for origin in unknown if origin not in known)
    return {origin: known[origin] for origin in reading.wanted}


def _needs_more(origin: bytes, zones: Zones, before: Before) -> bool:
    """Whether more than a zone's own file is needed to judge it."""
    path = zones.reading.holders[origin]
    return origin in zones.reading.faults or before.differs(origin, path, [path])


def judge_across(zones: Zones, outcomes: dict[bytes, Outcome], cache: Cache) -> list[Finding]:
    """What the rules across zones find; the same as before where no zone changed."""
    if len(zones) < 2:
        return []
    key = zones.keyed.across((zones.key(origin), one.sources) for origin, one in outcomes.items())
    whole = len(outcomes) == len(zones)
    findings = decode_findings(cache.get([key]).get(key)) if whole else None
    if findings is None:
        zones.recall_facts(outcomes)
        findings = check_across(outcomes, zones, zones.policy)
        if whole:
            cache.put(key, encode_findings(findings))
    return findings


def _show(
    findings: list[Finding],
    zones: Zones,
    cache: Cache,
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
        lines: list[list[str]] = []
        if output_format == "human":
            known = excerpts((item.position for item in findings), zones.files, cache)
            lines = [known.get(item.position, []) for item in findings]
        show_findings(shown, len(zones.reading.wanted), output_format, lines)


def _refused(findings: list[Finding], strict: bool) -> bool:
    return bool(findings if strict else errors(findings))


def _versions(
    place: Place, rev: str | None, from_index: bool, cache: Cache
) -> tuple[Files, Files, TreeState | None]:
    """(what is checked, what it is compared with, what is known of the work tree)."""
    prefix = place.prefix
    if rev is not None:
        new = _revision(place.needs_repository(), rev, prefix)
        return new, committed_or_none(place.needs_repository(), f"{rev}^", prefix), None
    if from_index:
        repository = place.needs_repository()
        return staged(repository, prefix), committed_or_none(repository, "HEAD", prefix), None
    head = NO_FILES
    if place.repository is not None:
        if place.repository.bare:
            raise UsageError(
                "a bare repository has no work tree", where=str(place.top), remedy="use --rev"
            )
        head = committed_or_none(place.repository, "HEAD", prefix)
    state = TreeState(cache, place.top, head.algorithm, time.time())
    return work_tree(place.top, place.repository, state), head, state


def _revision(repository: Repository, rev: str, prefix: str) -> Files:
    try:
        return committed(repository, rev, prefix)
    except RepositoryError as error:
        if repository.has_commit(rev):
            raise
        raise UsageError(error.message, where=error.where, remedy=error.remedy) from None
