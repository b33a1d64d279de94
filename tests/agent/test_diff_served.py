"""`zonecast diff` against what is served: by the agent here, by any server that transfers zones."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from agents import KEY, Agent, Secret, Zones, primary_config, zone_text
from peers import free_port
from real_primaries import real_primary

from zonecast.cli.diffing.served import read_key_file
from zonecast.errors import ConfigError

MANAGED = '[serial]\nmode = "enforce"\n[zone."managed.test".serial]\nmode = "managed"\n'
WWW = "www A 192.0.2.1"


def diff(cwd: Path, *options: str) -> tuple[int, str, str]:
    """Status, output and errors of the command."""
    done = subprocess.run(
        [sys.executable, "-m", "zonecast", "diff", *options],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


def key_file(secret: Secret, directory: Path) -> Path:
    """The secret as `zonecast keygen` leaves it: the file's name is the key's."""
    return shutil.copy(secret.path, directory / f"{KEY}.key")


def clause_file(secret: Secret, directory: Path) -> Path:
    """The key as tsig-keygen prints it."""
    file = directory / "named.key"
    file.touch(mode=0o600)
    file.write_text(f'key "{KEY}" {{\n\talgorithm hmac-sha256;\n\tsecret "{secret.text}";\n}};\n')
    return file


def test_the_agent_here_and_the_same_by_transfer(
    zones: Zones, secret: Secret, new_agent: Callable[[str], Agent], tmp_path: Path
) -> None:
    zones.write("zonecast.toml", MANAGED)
    zones.write("zones/example.com.zone", zone_text(41, WWW))
    zones.write("zones/gone.test.zone", zone_text(7, "other TXT x", "more TXT y"))
    zones.write("zones/managed.test.zone", zone_text(1, WWW))
    zones.push()
    ns1 = new_agent("ns1")
    ns1.configure(*primary_config(zones, secret, new_agent("ns2"))).start()
    ns1.await_serial("example.com.", 41)
    ns1.await_serial("gone.test.", 7)
    here = ("--served", "--config", str(ns1.config))
    there = ("--server", ns1.address, "--key-file", str(key_file(secret, tmp_path)))
    ns1.status_when(lambda report: len(report["zones"]) == 4, "all zones to be published")
    for options in (here, there, (*here, "HEAD"), (*here, "--staged")):
        found = diff(zones.clone, *options, "--exit-code")
        assert found == (0, "no difference\n", ""), options
    assert diff(zones.bare, *here) == (0, "no difference\n", ""), "the branch, without a work tree"

    zones.write("zones/example.com.zone", zone_text(42, WWW, "new A 192.0.2.2"))
    zones.write("zones/managed.test.zone", zone_text(1, "www A 192.0.2.9"))
    zones.write("zones/coming.test.zone", zone_text(1))
    (zones.clone / "zones/gone.test.zone").unlink()
    status, by_store, _ = diff(zones.clone, *here, "--exit-code")
    assert status == 1
    assert "example.com. (serial 41 → 42)" in by_store
    assert "    + 300 IN A 192.0.2.2" in by_store
    assert "coming.test. (added, serial 1)" in by_store
    assert "gone.test. (removed, serial 7)" in by_store
    assert ", the agent assigns the next)" in by_store
    status, by_transfer, _ = diff(zones.clone, *there)
    assert status == 0
    assert "gone.test." not in by_transfer, "a server is asked for the zones in the files"
    status, by_name, _ = diff(zones.clone, *there, "--zone", "gone.test", "--stat")
    assert diff(zones.clone, *there, "--zone", "typo.test")[0] == 2
    assert by_name.splitlines()[0].startswith("gone.test.  +0 −4 ~0  removed")

    other = Secret(tmp_path / "other.key").make()
    status, _, said = diff(zones.clone, "--server", ns1.address, "--key-file", str(other.path))
    assert status == 3
    assert "BADKEY" in said
    status, _, said = diff(zones.clone, "--server", ns1.address)
    assert status == 3
    assert "REFUSED" in said
    assert "--key-file" in said


def test_no_agent_and_no_server(zones: Zones, secret: Secret, tmp_path: Path) -> None:
    zones.write("zones/example.com.zone", zone_text(41, WWW))
    agent = Agent("none", tmp_path / "none").configure()
    status, _, said = diff(zones.clone, "--served", "--config", str(agent.config))
    assert status == 3
    assert "--server" in said
    status, _, said = diff(zones.clone, "--server", f"127.0.0.1:{free_port()}")
    assert status == 3
    assert "cannot be reached" in said


@pytest.mark.parametrize(
    ("content", "mode"),
    [
        ("", 0o600),
        ("not base64!", 0o600),
        ("AAAA", 0o600),
        ('key "a" { algorithm hmac-sha256; };', 0o600),
        ('key "a" { algorithm hmac-md5; secret "c2VjcmV0c2VjcmV0c2VjcmV0"; };', 0o600),
        ('key "a" { algorithm hmac-sha256; secret "c2VjcmV0c2VjcmV0c2VjcmV0"; };', 0o644),
    ],
)
def test_a_file_that_holds_no_key(tmp_path: Path, content: str, mode: int) -> None:
    file = tmp_path / "some.key"
    file.write_text(content)
    file.chmod(mode)
    with pytest.raises(ConfigError) as caught:
        read_key_file(file)
    assert caught.value.where == str(file)
    assert caught.value.remedy
    assert "c2VjcmV0" not in str(caught.value)


def test_a_key_file_that_is_not_there(zones: Zones) -> None:
    status, out, said = diff(zones.clone, "--server", "192.0.2.1", "--key-file", "none.key")
    assert (status, out) == (2, "")
    assert said.startswith("zonecast: none.key: the key cannot be read: No such file")


@pytest.mark.parametrize("server", ["named", "knotd", "nsd"])
def test_another_server(server: str, zones: Zones, tmp_path: Path, secret: Secret) -> None:
    text = zone_text(5, WWW, "Mail MX 10 WWW", '*.w TXT "a \\"b\\"" c', "h HTTPS 1 . alpn=h2")
    zones.write("zones/example.com.zone", text)
    options = ("--key-file", str(clause_file(secret, tmp_path)))
    (tmp_path / server).mkdir()
    with real_primary(server, tmp_path / server, secret) as primary:
        primary.publish("$ORIGIN example.com.\n" + text, 5)
        at = ("--server", f"127.0.0.1:{primary.port}", *options)
        assert diff(zones.clone, *at) == (0, "no difference\n", "")
        zones.write("zones/example.com.zone", text.replace("192.0.2.1", "192.0.2.2"))
        zones.write("zones/coming.test.zone", zone_text(1))
        lines = diff(zones.clone, *at)[1].splitlines()
        assert lines[:5] == [
            "example.com. (serial 5, not raised)",
            "  www.example.com.",
            "    - 300 IN A 192.0.2.1",
            "    + 300 IN A 192.0.2.2",
            "coming.test. (added, serial 1)",
        ]
