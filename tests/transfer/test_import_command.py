"""What `zonecast import` does about files that are there, catalogs, names that no file can have,
and servers that say no or nothing; and that what it wrote is published."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from agents import CATALOG, KEY, Agent, Secret, Zones, primary_config, run, zone_text
from import_support import import_zones
from peers import free_port

ODD = "0/25.2.0.192.in-addr.arpa"
COM = zone_text(41, "www A 192.0.2.1")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Agent, Secret]]:
    """An agent that serves three zones and a catalog of them, with a key."""
    directory = tmp_path_factory.mktemp("server")
    zones = Zones(directory).make(f'[origins]\n"zones/odd.zone" = "{ODD}"\n')
    zones.write("zones/example.com.zone", COM)
    zones.write("zones/example.org.zone", zone_text(7))
    zones.write("zones/odd.zone", zone_text(9, "1 PTR www.example.com."))
    zones.push()
    secret = Secret(directory / f"{KEY}.key").make()
    agent = Agent("ns1", directory / "ns1")
    agent.configure(*primary_config(zones, secret, Agent("ns2", directory / "ns2")))
    agent.start()
    try:
        agent.await_serial(f"{ODD}.", 9)
        yield agent, secret
    finally:
        agent.close()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """An empty zones repository."""
    made = tmp_path / "tree"
    run(["git", "init", "-q", "-b", "main", str(made)])
    return made


def at(server: tuple[Agent, Secret]) -> tuple[str, ...]:
    agent, secret = server
    return ("--axfr", agent.address, "--key-file", str(secret.path))


def test_a_catalogs_zones_become_a_repository_that_is_published(
    server: tuple[Agent, Secret],
    tree: Path,
    new_agent: Callable[[str], Agent],
    zones: Zones,
    tmp_path: Path,
) -> None:
    done = import_zones(tree, *at(server), "--catalog", CATALOG.rstrip("."), "--into", "zones")
    assert done.returncode == 0, done.stderr
    odd = "zones/0_25.2.0.192.in-addr.arpa.zone"
    names = [odd, "zones/example.com.zone", "zones/example.org.zone"]
    assert sorted(str(file.relative_to(tree)) for file in tree.glob("zones/*")) == names
    table = done.stderr[done.stderr.index("[origins]") : done.stderr.index("next: ")]
    assert table == f'[origins]\n"{odd}" = "{ODD}."\n'
    (tree / "zonecast.toml").write_text(table)
    quiet = import_zones(tree, *at(server), "--catalog", CATALOG)
    assert (quiet.returncode, quiet.stderr) == (0, "")
    assert quiet.stdout.count("holds it already") == 3, "and each under the path that it has"

    run(["git", "remote", "add", "origin", str(zones.bare)], tree)
    taken = Zones(tmp_path)
    run(["cp", "-r", f"{tree}/zones", f"{tree}/zonecast.toml", str(taken.clone)])
    taken.push("taken over")
    agent = new_agent("taken")
    agent.configure("[[repository]]", f'path = "{taken.bare}"').start()
    agent.await_serial(f"{ODD}.", 9)
    agent.await_serial("example.com.", 41)
    assert agent.ask("status")["held"] == []


def test_a_file_that_says_something_else_is_left_alone(
    server: tuple[Agent, Secret], tree: Path
) -> None:
    here = tree / "elsewhere" / "db.example.com"
    here.parent.mkdir()
    ours = zone_text(40, "www A 192.0.2.9")
    here.write_text(ours)
    done = import_zones(tree, *at(server), "example.com", "example.org")
    assert done.returncode == 1
    assert "elsewhere/db.example.com: is there, and does not hold example.com." in done.stderr
    assert "--force" in done.stderr
    assert here.read_text() == ours
    assert (tree / "example.org.zone").is_file(), "the other zone is not held up"
    here.write_text("; ours\n" + COM)
    done = import_zones(tree, *at(server), "example.com")
    assert (done.returncode, done.stderr) == (0, "")
    assert here.read_text().startswith("; ours"), "it says the same, in its own words"
    here.write_text(ours)
    done = import_zones(tree, *at(server), "--force", "EXAMPLE.com.")
    assert done.returncode == 0
    assert "41         ; serial" in here.read_text()
    assert [file.name for file in tree.glob("*/*example.com*")] == ["db.example.com"]


def test_no_is_1_and_nobody_is_3(server: tuple[Agent, Secret], tree: Path) -> None:
    agent, _ = server
    done = import_zones(tree, *at(server), "typo.test", "example.org")
    assert done.returncode == 1
    assert "typo.test.: 127.0.0.1" in done.stderr
    assert "does not serve it" in done.stderr
    assert [file.name for file in tree.glob("*.zone")] == ["example.org.zone"]
    done = import_zones(tree, "--axfr", agent.address, "example.com")
    assert done.returncode == 1
    assert "REFUSED" in done.stderr
    assert "--key-file" in done.stderr
    done = import_zones(tree, *at(server), "--key", "other.example", "example.com")
    assert done.returncode == 3
    assert "BADKEY" in done.stderr
    nobody = ("--axfr", f"127.0.0.1:{free_port()}")
    done = import_zones(tree, *nobody, *(f"z{n}.test" for n in range(20)))
    assert done.returncode == 3
    assert "cannot be reached" in done.stderr
    assert "not asked for after that: " in done.stderr
    assert [file.name for file in tree.glob("*.zone")] == ["example.org.zone"]


def test_what_the_policy_would_overlook_is_no_success(
    server: tuple[Agent, Secret], tree: Path
) -> None:
    (tree / "zonecast.toml").write_text('include = ["zones/*.zone"]\n')
    done = import_zones(tree, *at(server), "example.org", "--into", "zones")
    assert (done.returncode, "[origins]" in done.stderr) == (0, False)
    for _ in range(2):
        done = import_zones(tree, *at(server), "example.com", "--into", "other")
        assert done.returncode == 1
        assert "other/example.com.zone: is no zone file by include" in done.stderr
    table = done.stderr[done.stderr.index("[origins]") :].partition("next: ")[0]
    with (tree / "zonecast.toml").open("a") as policy:
        policy.write(table)
    done = import_zones(tree, *at(server), "example.com", "--into", "other")
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_no_catalog_is_named(server: tuple[Agent, Secret], tree: Path) -> None:
    done = import_zones(tree, *at(server), "--catalog", "example.org")
    assert done.returncode == 1
    assert "catalog example.org.: no version record; name a catalog" in done.stderr
    assert list(tree.glob("*.zone")) == []


def test_a_servers_name_will_do(server: tuple[Agent, Secret], tree: Path) -> None:
    agent, secret = server
    port = agent.address.rpartition(":")[2]
    key = ("--key-file", str(secret.path))
    done = import_zones(tree, "--axfr", f"localhost:{port}", *key, "example.org")
    assert (done.returncode, (tree / "example.org.zone").is_file()) == (0, True)
    done = import_zones(tree, "--axfr", "nothing.invalid", "example.org")
    assert done.returncode == 3
    assert "nothing.invalid: no address is found" in done.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("--axfr", "127.0.0.1"),
        ("--axfr", "ns1..example.com", "example.com"),
        ("--axfr", "localhost:x", "example.com"),
        ("--axfr", "192.0.2.1.5", "example.com"),
        ("--axfr", "127.0.0.1", "exa..mple"),
        ("--axfr", "127.0.0.1", "--key", "xfr.example", "example.com"),
        ("--axfr", "127.0.0.1", "--key-file", "none.key", "example.com"),
        ("example.com",),
    ],
)
def test_wrong_usage_is_2(tree: Path, options: tuple[str, ...]) -> None:
    assert import_zones(tree, *options).returncode == 2
