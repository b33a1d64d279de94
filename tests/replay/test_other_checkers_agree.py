"""Every version of every zone file in the real histories: what the project's checks refuse is what
named-checkzone refuses, and what dnspython cannot read is refused for its text."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from expected import Version, Versions
from histories import WHOLE, Commit, Rewritten
from peers import require

pytestmark = pytest.mark.timeout(1800 if WHOLE else 120)

NAMES = ["ffhl-dns", "skopjehacklab", "m-lab"]

# Rules of zones, which a reader of text does not know. All other errors here are errors of text.
RULES = {"soa-missing", "ns-no-address", "cname-and-other"}

# In short, m-lab's large zone is left to the tests that read it anyway.
LARGE = "measurement-lab.org"


@pytest.fixture(params=NAMES)
def each_version(
    request: pytest.FixtureRequest,
    rewritten: Callable[[str], Rewritten],
    versions: Callable[[str], Versions],
) -> Iterator[tuple[Rewritten, Commit, Version]]:
    """Every version of every zone file of one history, with a commit that has it."""

    def make() -> Iterator[tuple[Rewritten, Commit, Version]]:
        history = rewritten(request.param)
        seen: set[Version] = set()
        for commit in history.commits:
            for path in commit.files:
                if history.history.origin(path) is None or (path == LARGE and not WHOLE):
                    continue
                version = versions(request.param).get(history, commit, path)
                if version not in seen:
                    seen.add(version)
                    yield history, commit, version
        assert len(seen) > 25

    return make()


def test_named_checkzone_refuses_the_same_versions(
    each_version: Iterator[tuple[Rewritten, Commit, Version]],
    versions: Callable[[str], Versions],
    tmp_path: Path,
) -> None:
    command = [require("named-checkzone"), "-i", "local"]
    for number, (history, commit, version) in enumerate(each_version):
        if not WHOLE and not version.errors and number % 3:
            continue  # in short, all that are refused and a third of the others
        sources = versions(history.history.name).sources(history, commit)
        file = tmp_path / "zone"
        file.write_bytes(sources.text(version.path))
        done = subprocess.run(
            [*command, version.origin, str(file)], capture_output=True, text=True, check=False
        )
        refused = done.returncode != 0
        assert refused == bool(version.errors), (commit, version.path, version.errors, done.stdout)


def test_dnspython_cannot_read_the_same_versions(
    each_version: Iterator[tuple[Rewritten, Commit, Version]],
) -> None:
    for _, commit, version in each_version:
        unreadable = bool(version.reading.trouble)
        assert unreadable == bool(version.errors - RULES), (commit, version)
