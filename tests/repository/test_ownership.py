"""Another user's repository: readable where somebody named it, explained elsewhere."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from git_support import commit, git, make

from zonecast.errors import RepositoryError
from zonecast.repository import Repository

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="giving files away takes root")

NOBODY = 65534


@pytest.fixture(params=["bare", "plain", "dot-git"])
def foreign(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A repository of another user."""
    place = make(tmp_path / "zones")
    commit(place, {"a.zone": b"1"})
    if request.param == "bare":
        git(tmp_path, "clone", "--quiet", "--bare", "zones", "zones.git")
        place = tmp_path / "zones.git"
    subprocess.run(["chown", "-R", str(NOBODY), str(place)], check=True)
    return place / ".git" if request.param == "dot-git" else place


def test_a_named_repository_is_trusted(foreign: Path) -> None:
    """Pitfall: `safe.directory` is given per command for a repository that somebody named."""
    repository = Repository.open(foreign)
    assert set(repository.listing(repository.resolve("HEAD"))) == {"a.zone"}
    repository.set_config("zonecast.branch", "main")
    assert repository.config("zonecast.branch") == "main"


def test_a_repository_met_by_chance_is_not(foreign: Path) -> None:
    """Pitfall: "dubious ownership" says what to do and does not fail obscurely."""
    with pytest.raises(RepositoryError) as raised:
        Repository.discover(foreign)
    assert "belongs to another user" in str(raised.value)
    assert "git config --global --add safe.directory" in raised.value.remedy
    assert raised.value.exit_code == 3
