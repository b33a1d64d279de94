"""Reading a repository runs none of the programs that its configuration or its hooks name."""

from __future__ import annotations

from pathlib import Path

import pytest
from git_support import commit, git, make

from zonecast.repository import Mirror, Repository

HOOKS = ("post-index-change", "reference-transaction", "pre-auto-gc", "post-checkout")


@pytest.fixture
def booby_trapped(tmp_path: Path) -> tuple[Path, Path]:
    """A repository in which every program that git could run leaves a mark; and the mark."""
    place = make(tmp_path / "zones")
    commit(place, {"a.zone": b"1\n", ".gitattributes": b"*.zone diff=trap filter=trap\n"})
    commit(place, {"a.zone": b"2\n"})
    mark = tmp_path / "ran"
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\necho \"$0 $*\" >> '{mark}'\ncat\n")
    trap.chmod(0o755)
    for key in (
        "core.fsmonitor", "core.pager", "core.sshCommand", "diff.external", "diff.trap.textconv",
        "diff.trap.command", "filter.trap.clean", "filter.trap.smudge", "gpg.program",
        "core.alternateRefsCommand", "credential.helper",
    ):  # fmt: skip
        git(place, "config", key, str(trap))
    git(place, "config", "log.showSignature", "true")
    for hook in HOOKS:
        (place / ".git" / "hooks" / hook).write_text(trap.read_text())
        (place / ".git" / "hooks" / hook).chmod(0o755)
    return place, mark


def test_reading_runs_nothing(booby_trapped: tuple[Path, Path]) -> None:
    place, mark = booby_trapped
    repository = Repository.discover(place)
    tip = repository.resolve("HEAD")
    old = repository.resolve("HEAD~1")
    # An index that git would like to look into: a changed file, an empty one.
    git(place, "update-index", "--add", "--cacheinfo", f"100644,{_empty_blob(place)},empty.zone")
    mark.unlink(missing_ok=True)
    (place / "a.zone").write_bytes(b"3\n")
    repository.blobs(repository.listing(tip).values())
    repository.changed_paths(old, tip)
    repository.commit_info(tip)
    assert set(repository.staged_listing()) == {".gitattributes", "a.zone", "empty.zone"}
    repository.set_config("zonecast.branch", "main")
    assert repository.is_ancestor(old, tip)
    assert not mark.exists(), mark.read_text()
    # The traps do work: plain git steps into them.
    git(place, "diff", "HEAD~1")
    assert mark.exists()


def test_staging_runs_no_hook(booby_trapped: tuple[Path, Path]) -> None:
    place, mark = booby_trapped
    # Git itself may run the filters of the person's own files when it writes an index.
    (place / ".gitattributes").unlink()
    Repository.discover(place).index.replace("a.zone", "100644", b"4\n")
    assert not mark.exists(), mark.read_text()
    git(place, "update-index", "--add", "--cacheinfo", f"100644,{_empty_blob(place)},empty.zone")
    assert "post-index-change" in mark.read_text()


def _empty_blob(place: Path) -> str:
    return git(place, "hash-object", "-w", "--no-filters", "-t", "blob", "--stdin")


def test_a_mirror_runs_nothing(booby_trapped: tuple[Path, Path], tmp_path: Path) -> None:
    place, _ = booby_trapped
    mirror = Mirror(f"file://{place}", "main", tmp_path / "mirrors")
    repository = mirror.fetch()
    assert list((repository.path / "hooks").glob("*")) == []
    seen = tmp_path / "seen"
    hook = repository.path / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch '{seen}'\n")
    hook.chmod(0o755)
    git(place, "-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--allow-empty", "-m", "x")
    before = repository.branch_tip("main")
    assert mirror.fetch().branch_tip("main") != before
    assert not seen.exists()
