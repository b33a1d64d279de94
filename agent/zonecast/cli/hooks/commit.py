"""What is staged is judged, before a commit and before a merge's, and in mode `fix` its serials
are raised.

A raised serial goes into the index's blob and, apart from that, into the digits of the file in
the work tree; nothing else that the person held back is staged.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from zonecast.cli.hooks.across import warn_across
from zonecast.cli.hooks.digits import overlaid, same_digits
from zonecast.cli.hooks.judgement import Judgement, Parent, judge_change
from zonecast.cli.hooks.rails import warn_rails
from zonecast.cli.hooks.serials import Edit, by_path, edited, plan_edits, write_file
from zonecast.cli.render import say
from zonecast.cli.revisions import NO_FILES, Files, committed, staged
from zonecast.errors import RejectedError, ZonecastError, printable
from zonecast.repository import Repository, differing
from zonecast.repository.index import is_temporary
from zonecast.zone.findings import errors

_HEADS = "GITHEAD_"


def judge_staged(
    repository: Repository, now: float, others: Sequence[str]
) -> tuple[Judgement, list[Edit]]:
    """Judge the index after HEAD, and after `others`, a merge's other parents.

    The edits are serials that were raised, in the index and in the work tree, in zones of mode
    `fix`: all that are needed, or none where the commit is refused anyway. `now` in POSIX
    seconds. Raises ZonecastError.
    """
    new = staged(repository)
    parents = _parents(repository, others)
    judgement, edits = _judge_and_raise(repository, now, parents, new)
    warn_rails(judgement, parents[0].files, new, repository)
    warn_across(judgement, parents[0].files, new, repository)
    return judgement, edits


def _judge_and_raise(
    repository: Repository, now: float, parents: list[Parent], new: Files
) -> tuple[Judgement, list[Edit]]:
    judgement = judge_change(parents, new)
    fixable = [zone for zone in judgement.zones.values() if zone.fixable]
    if not fixable or is_temporary(os.environ.get("GIT_INDEX_FILE", "")):
        return judgement, []
    try:
        edits = plan_edits((zone.wanted() for zone in fixable), now)
    except RejectedError:
        return judgement, []
    contents = {path: edited(new.read(path), group) for path, group in by_path(edits).items()}
    # Judged again before anything is written: a shared SOA may concern zones not looked at yet.
    changed = [Parent(p.files, p.changed | contents.keys()) for p in parents]
    judgement = judge_change(changed, overlaid(new, contents))
    if errors(judgement.findings):
        return judgement, []
    entries = repository.index.entries()
    for path, content in contents.items():
        repository.index.replace(path, entries[path].mode, content)
    _mend_work_tree(repository, new, edits)
    return judgement, edits


def merged_heads(environment: Mapping[str, str]) -> list[str]:
    """The other parents of the merge that `git merge` asks pre-merge-commit about: MERGE_HEAD is
    not written yet, but git leaves their names in its hooks' environment."""
    return [name.removeprefix(_HEADS) for name in environment if name.startswith(_HEADS)]


def _parents(repository: Repository, others: Sequence[str]) -> list[Parent]:
    head = repository.head()
    if head is None:
        return [Parent(NO_FILES, set(repository.staged_listing()))]
    index = repository.staged_listing()
    return [
        Parent(committed(repository, commit), differing(repository.listing(commit), index))
        for commit in [head, *others]
    ]


def _mend_work_tree(repository: Repository, index: Files, edits: Iterable[Edit]) -> None:
    """The same digits in the work tree's files, where they are still the ones that were staged."""
    for path, group in by_path(edits).items():
        try:
            _mend_file(repository, index, path, group)
        except (OSError, ZonecastError) as error:
            say(
                f"zonecast: {printable(path)}: only the staged serial was raised: {error}", err=True
            )


def _mend_file(repository: Repository, index: Files, path: str, edits: list[Edit]) -> None:
    assert repository.places.work_tree is not None
    file = repository.places.work_tree / path
    if file.is_symlink() or not file.is_file():
        return  # staged, and since then replaced or removed
    content = file.read_bytes()
    if content != index.read(path):
        edits = same_digits(index, path, content, edits)
    if edits:
        write_file(file, edited(content, edits))
