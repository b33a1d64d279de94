"""Where a branch's commits come from: events are a hint, the poll counts, a work tree never does,
and a remote that is away stops nothing."""

from __future__ import annotations

from collections.abc import Callable

from agents import Agent, Zones, run, zone_text

MakeAgent = Callable[[str], Agent]
PATH = "example.com.zone"


def test_a_branch_that_moves_without_an_event_is_seen(zones: Zones, new_agent: MakeAgent) -> None:
    """Pitfall: file-system events may not come at all: the agent polls as well."""
    zones.write(PATH, zone_text(1, "www A 192.0.2.1"))
    first = zones.push()
    agent = new_agent("ns1").configure(
        "[[repository]]", f'path = "{zones.bare}"', 'poll-interval = "1s"'
    )
    zones.write(PATH, zone_text(2, "www A 192.0.2.2"))
    second = zones.push()
    # The branch in packed-refs alone, which lies in no directory that is watched.
    run(["git", "update-ref", "refs/heads/main", first], zones.bare)
    run(["git", "pack-refs", "--all"], zones.bare)
    packed = zones.bare / "packed-refs"
    assert not (zones.bare / "refs" / "heads" / "main").exists()
    agent.start()
    agent.await_serial("example.com.", 1)
    packed.write_text(packed.read_text().replace(first, second))
    agent.await_serial("example.com.", 2)


def test_a_work_tree_is_never_read(zones: Zones, new_agent: MakeAgent) -> None:
    """Pitfall: blobs are read by commit, never a work tree, which may be half-way through a save;
    a repository with one works as a bare one does."""
    zones.write(PATH, zone_text(1, "www A 192.0.2.1"))
    zones.push()
    zones.write(PATH, zone_text(2, "www A 192.0.2.2"))
    zones.write("extra.example.zone", zone_text(1))
    run(["git", "add", "-A"], zones.clone)
    branch = run(["git", "symbolic-ref", "--short", "HEAD"], zones.clone).strip()
    agent = new_agent("ns1").configure(
        "[[repository]]",
        f'path = "{zones.clone}"',
        f'branch = "{branch}"',
        'poll-interval = "60s"',
    )
    agent.start()
    agent.await_serial("example.com.", 1)
    zones.write(PATH, "half a li")
    assert agent.query("extra.example.", "SOA").rcode() == 5
    assert agent.ask("status")["held"] == []
    zones.write(PATH, zone_text(3, "www A 192.0.2.3"))
    run(["git", "commit", "-q", "-a", "-m", "done"], zones.clone)
    # Long before the poll: the events of a commit, however many, are one hint to look.
    agent.await_serial("example.com.", 3)
    assert agent.serial("extra.example.") == 1


def test_a_remote_that_is_down_at_start_stops_nothing(zones: Zones, new_agent: MakeAgent) -> None:
    """Pitfall: a git remote that is down at start must not stop the agent: it serves what it last
    published, says what is wrong, and follows the remote once that is back."""
    zones.write(PATH, zone_text(1, "www A 192.0.2.1"))
    zones.push()
    agent = new_agent("ns1").configure(
        "[[repository]]", f'url = "file://{zones.bare}"', 'poll-interval = "1s"'
    )
    agent.start()
    agent.await_serial("example.com.", 1)
    assert agent.stop() == 0
    away = zones.bare.with_suffix(".away")
    zones.bare.rename(away)
    agent.start()
    agent.await_serial("example.com.", 1)
    report = agent.status_when(lambda r: r["repositories"][0]["trouble"], "the trouble")
    assert str(zones.bare) in report["repositories"][0]["trouble"]
    away.rename(zones.bare)
    zones.write(PATH, zone_text(2, "www A 192.0.2.2"))
    zones.push()
    agent.await_serial("example.com.", 2)
