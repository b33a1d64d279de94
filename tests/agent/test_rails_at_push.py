"""The hook beside a running agent: a push is judged after what the agent published."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from agents import POLICY, Agent, Secret, Zones, primary_config, run, zone_text

MakeAgent = Callable[[str], Agent]

HOSTS = [f"h{number} A 192.0.2.{number}" for number in range(20)]
COM, ORG = "zones/example.com.zone", "zones/example.org.zone"


@pytest.fixture
def primary(zones: Zones, secret: Secret, new_agent: MakeAgent) -> Agent:
    """Serves example.com with 20 hosts and example.org; its repository has the server's hook."""
    zones.write(COM, zone_text(10, *HOSTS))
    zones.write(ORG, zone_text(10))
    zones.push()
    agent = new_agent("ns1").configure(*primary_config(zones, secret)).start()
    agent.await_serial("example.com.", 10)
    install(zones, agent)
    return agent


def install(zones: Zones, agent: Agent) -> None:
    """The hook, told where this agent answers."""
    socket = str(agent.sockets / "status.sock")
    command = [sys.executable, "-m", "zonecast", "hook", "install", "--server", "--branch", "main"]
    run([*command, "--socket", socket, str(zones.bare)])


def commit(zones: Zones, message: str = "change") -> str:
    """Commit everything in the clone; the commit."""
    run(["git", "add", "-A"], zones.clone)
    run(["git", "commit", "-q", "--allow-empty", "-m", message], zones.clone)
    return run(["git", "rev-parse", "HEAD"], zones.clone).strip()


def push(zones: Zones, *options: str) -> tuple[bool, str]:
    """Whether the push was accepted, and what was said."""
    command = ["git", "push", *options, "origin", "HEAD:main"]
    done = subprocess.run(command, cwd=zones.clone, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stderr


def past_the_hook(zones: Zones, agent: Agent, held: int) -> None:
    """Commit and bring that to the branch as if there were no hook; until the agent has dealt
    with it."""
    tip = commit(zones)
    hook = zones.bare / "hooks" / "pre-receive"
    hook.chmod(0o644)
    assert push(zones)[0]
    hook.chmod(0o755)
    agent.status_when(
        lambda r: [reason["commit"] for reason in r["held"]] == [tip] * held, "the zones to be held"
    )


def settle(agent: Agent, tip: str) -> None:
    """Until the agent has published a commit."""
    agent.status_when(lambda r: r["repositories"][0]["commit"] == tip, f"{tip} to be published")


def approve(agent: Agent, name: str) -> None:
    """Run `zonecast approve`."""
    run([sys.executable, "-m", "zonecast", "approve", "--config", str(agent.config), name])


def test_an_approved_commit_may_be_pushed(primary: Agent, zones: Zones) -> None:
    zones.write(COM, zone_text(11, *HOSTS[:10]))
    tip = commit(zones)
    accepted, said = push(zones)
    assert not accepted
    assert f"zonecast approve {tip}" in said
    assert not run(["git", "cat-file", "--batch-all-objects", "--batch-check"], zones.bare).count(
        tip
    )
    approve(primary, tip)
    accepted, said = push(zones)
    assert accepted, said
    primary.await_serial("example.com.", 11)
    # So may rewritten history, and what the agent protects stays.
    run(["git", "reset", "-q", "--hard", "HEAD~1"], zones.clone)
    zones.write(COM, zone_text(12, *HOSTS[:9]))
    tip = commit(zones)
    accepted, said = push(zones, "--force")
    assert not accepted
    assert "[history-rewritten]" in said
    approve(primary, tip)
    assert push(zones, "--force")[0]
    primary.await_serial("example.com.", 12)


def test_a_push_follows_what_is_published_and_not_what_is_held(
    primary: Agent, zones: Zones
) -> None:
    """One zone's held version has a serial far ahead, the other's is behind: neither counts."""
    zones.write(COM, zone_text(99, *HOSTS[:10]))
    zones.write(ORG, zone_text(7, "www A 192.0.2.7"))
    past_the_hook(zones, primary, 2)
    zones.write(ORG, zone_text(9, "www A 192.0.2.9"))
    commit(zones)
    accepted, said = push(zones)
    assert not accepted, "greater than the held one, and not than the one published"
    assert "serial 9 is lower than 10" in said
    assert COM not in said, "what the push does not change is not judged"
    zones.write(ORG, zone_text(11, "www A 192.0.2.9"))
    zones.write(COM, zone_text(11, *HOSTS[:9]))
    commit(zones)
    accepted, said = push(zones)
    assert not accepted, "more than the last step, and not than that from the published version"
    assert "11 of 21 records are deleted" in said
    zones.write(COM, zone_text(11, *HOSTS[1:]))
    commit(zones)
    accepted, said = push(zones)
    assert accepted, said
    for zone in ("example.com.", "example.org."):
        primary.await_serial(zone, 11)


def test_the_held_zones_rails_are_those_from_before(primary: Agent, zones: Zones) -> None:
    zones.write("zonecast.toml", "[rails]\nmax-delete = 1.0\nremoval = false\n")
    zones.write(COM, zone_text(11, *HOSTS[:10]))
    past_the_hook(zones, primary, 1)
    zones.write(COM, zone_text(12, *HOSTS[:9]))
    commit(zones)
    accepted, said = push(zones)
    assert not accepted
    assert "[mass-delete]" in said
    (zones.clone / ORG).unlink()
    zones.write(COM, zone_text(12, *HOSTS[1:]))
    commit(zones)
    accepted, said = push(zones)
    assert accepted, "the other zone was not held, and its policy is published"
    primary.await_serial("example.com.", 12)


def test_the_agents_own_rails_hold_at_the_push(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    zones.write(COM, zone_text(10, *HOSTS))
    zones.write("zonecast.toml", "[rails]\nremoval = false\n")
    zones.push()
    floors = ["[rails]", 'protected = ["example.com"]']
    agent = new_agent("ns1").configure(*primary_config(zones, secret), *floors).start()
    agent.await_serial("example.com.", 10)
    install(zones, agent)
    (zones.clone / COM).unlink()
    tip = commit(zones, "gone\n\nZonecast-Allow: zone-removed")
    approve(agent, tip)
    accepted, said = push(zones)
    assert not accepted
    assert "[zone-protected]" in said


def test_without_an_agent_the_old_tip_counts_and_is_said_to(primary: Agent, zones: Zones) -> None:
    """Pitfall: with the agent down, `pre-receive` judges by the old tip and says so."""
    primary.stop()
    zones.write(COM, zone_text(11, *HOSTS[:10]))
    commit(zones)
    accepted, said = push(zones)
    assert not accepted
    assert "[mass-delete]" in said
    assert "status.sock: no agent answers" in said
    assert "judged after the branch's old tip" in said
    zones.write(COM, zone_text(11, *HOSTS[1:]))
    commit(zones)
    assert push(zones)[0]
    # An agent that publishes something else is no judge of this.
    other = primary.config.read_text().replace('catalog = "', 'branch = "live"\ncatalog = "')
    primary.config.write_text(other)
    primary.start()
    zones.write(COM, zone_text(12, *HOSTS[2:]))
    commit(zones)
    accepted, said = push(zones)
    assert accepted
    assert "does not publish 'main' of this repository but 'live'" in said
    # The hook's own branch may be the wrong one, as HEAD's in a bare repository.
    run(["git", "config", "zonecast.branch", "master"], zones.bare)
    done = subprocess.run(
        ["git", "push", "origin", "HEAD:live"], cwd=zones.clone, capture_output=True, text=True
    )
    remedy = "zonecast hook install --server --branch live"
    assert "pushes to 'master' alone: " + remedy in done.stderr
    command = [sys.executable, "-m", *remedy.split(), str(zones.bare)]
    assert "alone" not in subprocess.run(command, capture_output=True, text=True).stderr
    command[command.index("live")] = "master"
    assert remedy in subprocess.run(command, capture_output=True, text=True).stderr


def test_a_serial_is_compared_with_the_one_that_is_served(primary: Agent, zones: Zones) -> None:
    """A zone's serial was the agent's, and becomes the file's: git never held the one served."""
    zones.write("zonecast.toml", '[zone."example.org"]\nserial.mode = "managed"\n')
    zones.write(ORG, zone_text(5, "www A 192.0.2.5"))
    commit(zones)
    accepted, said = push(zones)
    assert accepted, said

    def assigned(report: dict[str, Any]) -> bool:
        return any(z["zone"] == "example.org." and z["serial"] > 10 for z in report["zones"])

    primary.status_when(assigned, "a serial of the agent's")
    served = primary.serial("example.org.")
    zones.write("zonecast.toml", "")
    commit(zones)
    accepted, said = push(zones)
    assert not accepted, "nothing of the zone's file changed, and it would be held back"
    assert f"serial 5 is lower than {served}" in said
    remedy = re.search(r"zonecast bump --above \d+ \S+example\.org\.zone", said)
    assert remedy is not None
    run([sys.executable, "-m", *remedy[0].split()], zones.clone)
    commit(zones)
    accepted, said = push(zones)
    assert accepted, said
    primary.status_when(
        lambda r: all(z["serial"] != served for z in r["zones"]) and not r["held"],
        "the file's serial to be served",
    )


def test_a_policy_that_was_deleted_past_the_hook_is_missed_by_each_later_push(
    primary: Agent, zones: Zones
) -> None:
    zones.write("zonecast.toml", POLICY + "# published\n")
    commit(zones)
    assert push(zones)[0]
    published = run(["git", "rev-parse", "HEAD"], zones.clone).strip()
    settle(primary, published)
    (zones.clone / "zonecast.toml").unlink()
    past_the_hook(zones, primary, 1)
    zones.write(ORG, zone_text(11))
    commit(zones)
    accepted, said = push(zones)
    assert not accepted
    assert "this deletes the policy" in said
    remedy = re.search(r"git checkout \w+ -- zonecast.toml", said)
    assert remedy is not None
    (zones.clone / "zonecast.toml").symlink_to("elsewhere")
    commit(zones)
    accepted, said = push(zones)
    assert not accepted
    assert "a symbolic link is no policy" in said
    past_the_hook(zones, primary, 1)
    (finding,) = primary.ask("status")["held"][0]["findings"]
    assert "a symbolic link is no policy" in finding["message"]
    (zones.clone / "zonecast.toml").unlink()
    run(remedy[0].split(), zones.clone)
    commit(zones)
    accepted, said = push(zones)
    assert accepted, said
    primary.await_serial("example.org.", 11)
