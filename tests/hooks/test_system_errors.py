"""What the operating system refuses is said with its place and with what to do about it."""

from __future__ import annotations

from pathlib import Path

import pytest
from zones_clone import run, zonecast

from zonecast.errors import remedy_for


def test_init_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = zonecast(tmp_path, "init", "file/zones")
    assert done.status == 3
    assert "file/zones: cannot be made: Not a directory; see whether the path is right" in (
        done.output
    )


def test_a_hook_that_cannot_be_written(tmp_path: Path) -> None:
    assert run(tmp_path, "git", "init", "-q").ok
    hooks = tmp_path / ".git/hooks"
    for file in hooks.iterdir():
        file.unlink()
    hooks.rmdir()
    hooks.write_text("in its place")
    done = zonecast(tmp_path, "hook", "install")
    assert done.status == 3
    assert str(hooks) in done.output
    assert "; " in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("number", [1, 2, 13, 17, 20, 21, 23, 24, 28, 30, 36, 122, 5, None])
def test_every_error_has_a_remedy(number: int | None) -> None:
    error = OSError("odd") if number is None else OSError(number, "said", "/path")
    assert remedy_for(error)
