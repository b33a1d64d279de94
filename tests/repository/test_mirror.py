"""A remote branch, mirrored: followed wherever it goes, and never waited for without end."""

from __future__ import annotations

import base64
import http.server
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from git_support import commit, git, make

from zonecast.errors import RepositoryError
from zonecast.repository import Mirror


@pytest.fixture(params=["sha1", "sha256"])
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A repository with one commit, to fetch from."""
    place = make(tmp_path / "remote", f"--object-format={request.param}")
    commit(place, {"a.zone": b"1"})
    return place


def test_the_branch_is_followed(remote: Path, tmp_path: Path) -> None:
    mirror = Mirror(f"file://{remote}", "main", tmp_path / "state" / "mirrors")
    first = git(remote, "rev-parse", "HEAD")
    assert mirror.fetch().branch_tip("main") == first
    second = commit(remote, {"a.zone": b"2"})
    repository = mirror.fetch()
    assert repository.branch_tip("main") == second
    assert repository.blobs(repository.listing(second).values())
    git(remote, "commit", "--quiet", "--amend", "-m", "rewritten")
    rewritten = git(remote, "rev-parse", "HEAD")
    repository = mirror.fetch()
    assert repository.branch_tip("main") == rewritten
    assert not repository.is_ancestor(second, rewritten)


def test_other_branches_and_tags_stay_away(remote: Path, tmp_path: Path) -> None:
    git(remote, "branch", "other")
    git(remote, "tag", "v1")
    repository = Mirror(str(remote), "main", tmp_path / "mirrors").fetch()
    assert git(repository.path, "for-each-ref", "--format=%(refname)") == "refs/heads/main"


def test_each_url_has_a_mirror_of_its_own(remote: Path, tmp_path: Path) -> None:
    other = make(tmp_path / "other")
    commit(other, {"b.zone": b"1"})
    one = Mirror(str(remote), "main", tmp_path / "mirrors").fetch()
    two = Mirror(str(other), "main", tmp_path / "mirrors").fetch()
    assert one.path != two.path
    assert one.branch_tip("main") == git(remote, "rev-parse", "HEAD")


def test_what_was_fetched_stays_when_the_remote_is_gone(remote: Path, tmp_path: Path) -> None:
    """Pitfall: a remote that is down takes nothing away that was fetched."""
    mirror = Mirror(str(remote), "main", tmp_path / "mirrors")
    repository = mirror.fetch()
    tip = repository.branch_tip("main")
    remote.rename(tmp_path / "away")
    with pytest.raises(RepositoryError, match=str(remote)):
        mirror.fetch()
    assert repository.branch_tip("main") == tip
    (tmp_path / "away").rename(remote)
    new = commit(remote, {"a.zone": b"3"})
    assert mirror.fetch().branch_tip("main") == new


def test_a_branch_that_is_not_there_is_named(remote: Path, tmp_path: Path) -> None:
    mirror = Mirror(str(remote), "absent", tmp_path / "mirrors")
    with pytest.raises(RepositoryError, match="has no branch 'absent'"):
        mirror.fetch()
    git(remote, "branch", "absent")
    assert mirror.fetch().branch_tip("absent")
    git(remote, "branch", "--delete", "absent")
    with pytest.raises(RepositoryError, match="has no branch 'absent'"):
        mirror.fetch()


def test_an_interrupted_start_is_made_good(remote: Path, tmp_path: Path) -> None:
    mirror = Mirror(str(remote), "main", tmp_path / "mirrors")
    mirror.path.mkdir(parents=True)
    (mirror.path / "objects").mkdir()
    assert mirror.fetch().branch_tip("main")


def test_a_silent_remote_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"git://127.0.0.1:{silent.getsockname()[1]}/zones.git"
        mirror = Mirror(url, "main", tmp_path / "mirrors")
        started = time.monotonic()
        with pytest.raises(RepositoryError, match="did not end within 1 s"):
            mirror.fetch(timeout=1.0)
        assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    "url", ["ext::sh -c true", "--upload-pack=touch x", "", "fd::3", "https://x\ny/z"]
)
def test_urls_that_run_something_are_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="is no URL to fetch from"):
        Mirror(url, "main", tmp_path).fetch()


def test_a_password_in_a_url_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="token-file") as raised:
        Mirror("https://user:hunter2@example.com/z.git", "main", tmp_path).fetch()
    assert "hunter2" not in str(raised.value)


class _Forge(http.server.BaseHTTPRequestHandler):
    """Remembers the Authorization header of each request; sends git elsewhere when asked to."""

    seen: list[str | None]
    elsewhere: str

    def do_GET(self) -> None:
        self.seen.append(self.headers.get("Authorization"))
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", self.elsewhere + self.path.removeprefix("/moved"))
        else:
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def forge() -> Iterator[tuple[str, type[_Forge]]]:
    """An HTTP server that lets nobody in, and what it saw."""
    handler = type("Handler", (_Forge,), {"seen": [], "elsewhere": ""})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        host = f"http://127.0.0.1:{server.server_port}"
        handler.elsewhere = f"http://localhost:{server.server_port}"
        yield host, handler
        server.shutdown()
        thread.join()


def test_a_token_is_sent_and_not_printed(forge: tuple[str, type[_Forge]], tmp_path: Path) -> None:
    host, handler = forge
    token = tmp_path / "token"
    token.write_text("sesame\n")
    mirror = Mirror(f"{host}/zones.git", "main", tmp_path / "mirrors", token_file=token)
    with pytest.raises(RepositoryError) as raised:
        mirror.fetch(timeout=20)
    expected = base64.b64encode(b"x-access-token:sesame").decode()
    assert handler.seen[0] == f"Basic {expected}"
    assert "sesame" not in str(raised.value)
    assert expected not in str(raised.value)


def test_a_token_does_not_follow_a_redirect(
    forge: tuple[str, type[_Forge]], tmp_path: Path
) -> None:
    host, handler = forge
    token = tmp_path / "token"
    token.write_text("sesame\n")
    mirror = Mirror(f"{host}/moved/zones.git", "main", tmp_path / "mirrors", token_file=token)
    with pytest.raises(RepositoryError):
        mirror.fetch(timeout=20)
    assert len(handler.seen) == 1


def test_ssh_never_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = tmp_path / "said"
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > '{said}'\nexit 255\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")
    key, hosts = tmp_path / "the key", tmp_path / "known hosts"
    mirror = Mirror("git@example.com:zones.git", "main", tmp_path / "mirrors", key, hosts)
    with pytest.raises(RepositoryError, match=r"git@example\.com:zones\.git"):
        mirror.fetch()
    words = said.read_text().splitlines()
    assert {"BatchMode=yes", "StrictHostKeyChecking=yes", f"UserKnownHostsFile={hosts}"} <= set(
        words
    )
    assert words[words.index("-i") + 1] == str(key)


@pytest.mark.parametrize("content", [None, "", "two\nlines", "ünicode"])
def test_an_unusable_token_is_named(tmp_path: Path, content: str | None) -> None:
    token = tmp_path / "token"
    if content is not None:
        token.write_text(content)
    with pytest.raises(RepositoryError, match=str(token)):
        Mirror("https://127.0.0.1:1/z", "main", tmp_path / "m", token_file=token).fetch()
