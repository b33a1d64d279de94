"""One raised serial in two copies of a file, the staged one and the work tree's: each keeps what
else it holds, so that nothing that was held back is staged, and nothing staged is lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from zonecast.cli.hooks.serials import Edit, by_path, edited
from zonecast.cli.revisions import Files, committed_or_none, read_zones, staged, touched_zones
from zonecast.repository import Repository
from zonecast.zone.policy import Policy
from zonecast.zone.zonefile import Parsed


def overlaid(files: Files, contents: Mapping[str, bytes]) -> Files:
    """The same files with other contents for some."""

    def fetch(paths: list[str]) -> dict[str, bytes]:
        return {p: contents[p] if p in contents else files.read(p) for p in paths}

    return Files(files.paths, fetch)


def same_digits(files: Files, path: str, content: bytes, edits: Iterable[Edit]) -> list[Edit]:
    """The edits as they apply to `content`, another copy of the file at `path` among `files`:
    none where its serial is another one."""
    files = overlaid(files, {path: content})
    policy = files.policy_or(Policy())
    concerned = touched_zones({path}, files, policy)
    found = read_zones(files, policy, concerned.__contains__)
    moved = []
    for edit in edits:
        for parsed in found.zones.values():
            span = parsed.serial_span
            if span is not None and span[0] == path and parsed.zone.serial == edit.old:
                moved.append(edit._replace(start=span[1], end=span[2]))
                break
    return moved


def held_back(
    repository: Repository, files: Files, zones: Iterable[Parsed], prefix: str = ""
) -> set[str]:
    """The files whose serials the index is not to have yet: those of `zones`, read from the work
    tree's `files` below `prefix`, that have changes there and none in the index. The next commit
    would hold a serial alone, raised for nothing."""
    index, head = staged(repository, prefix), committed_or_none(repository, "HEAD", prefix)
    found = set()
    for parsed in zones:
        if parsed.serial_span is None:
            continue
        paths = [path for path in parsed.files if path in index.paths]
        is_staged = any(
            path not in head.paths or head.blob(path) != index.blob(path) for path in paths
        )
        has_more = len(paths) < len(parsed.files) or any(
            files.read(path) != index.read(path) for path in paths
        )
        if has_more and not is_staged:
            found.add(parsed.serial_span[0])
    return found


def stage_digits(
    repository: Repository, files: Files, edits: Iterable[Edit], prefix: str = ""
) -> None:
    """Make edits of the work tree's `files`, which are below `prefix`, in the index as well, in
    the blobs of files that are there. Call it before the files are written.

    Raises RepositoryError, as while a merge's conflicts are open.
    """
    entries = repository.index.entries()
    index = staged(repository, prefix)
    for path, group in by_path(edits).items():
        entry = entries.get(prefix + path)
        if entry is None:
            continue  # new, and nothing of it is staged yet
        content = index.read(path)
        if content != files.read(path):
            group = same_digits(index, path, content, group)
        if group:
            repository.index.replace(prefix + path, entry.mode, edited(content, group))
