"""Sockets, the service manager's protocols, reload, and what stops a start."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import pytest
from agents import Agent, Secret, Zones, await_value, peer, primary_config, zone_text
from peers import free_port, has_ipv6

MakeAgent = Callable[[str], Agent]


@pytest.fixture
def served(zones: Zones, secret: Secret, new_agent: MakeAgent) -> Agent:
    """An agent, configured but not started, with one zone to publish."""
    zones.write("example.com.zone", zone_text(1, "www A 192.0.2.1"))
    zones.push()
    return new_agent("ns1").configure(*primary_config(zones, secret))


def edit(agent: Agent, old: str, new: str) -> None:
    """Change the configuration file."""
    text = agent.config.read_text()
    assert old in text
    agent.config.write_text(text.replace(old, new))


def soa(host: str, port: int, *, tcp: bool = False) -> int:
    query = dns.message.make_query("example.com.", "SOA")
    ask = dns.query.tcp if tcp else dns.query.udp
    return int(ask(query, host, port=port, timeout=5).answer[0][0].serial)


def test_wildcards_are_every_address_of_the_host(served: Agent) -> None:
    port = served.port
    edit(served, f'["{served.address}"]', f'["0.0.0.0:{port}", "[::]:{port}"]')
    served.start().await_serial("example.com.", 1)
    hosts = ["127.0.0.1", *(["::1"] if has_ipv6() else [])]
    for host in hosts:
        assert soa(host, port) == soa(host, port, tcp=True) == 1
    assert not any("0.0.0.0" in line for line in served.ask("status")["agent"]["listening"])


@pytest.fixture
def passed() -> Iterator[list[socket.socket]]:
    """What zonecast.socket passes, on a free port: two datagram sockets and one stream socket,
    bound to the wildcard."""
    sockets, port = [], free_port()
    for kind in (socket.SOCK_DGRAM, socket.SOCK_DGRAM, socket.SOCK_STREAM):
        sock = socket.socket(socket.AF_INET, kind)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(("0.0.0.0", port))
        sockets.append(sock)
    sockets[2].listen()
    yield sockets
    for sock in sockets:
        sock.close()


def test_sockets_from_the_service_manager(served: Agent, passed: list[socket.socket]) -> None:
    edit(served, "workers = 1", "workers = 2")
    port = passed[0].getsockname()[1]
    fds = [sock.fileno() for sock in passed]
    # As sd_listen_fds(3) has it: descriptors from 3 on, and the pid of the process they are for.
    high = [200 + number for number in range(len(fds))]
    move = " ".join(f"{h}<&{fd}" for h, fd in zip(high, fds, strict=True))
    place = " ".join(f"{3 + number}<&{h}" for number, h in enumerate(high))
    run = (
        f"{shlex.quote(sys.executable)} -m zonecast run --config {shlex.quote(str(served.config))}"
    )
    script = f"exec {move}; exec {place}; LISTEN_PID=$$ LISTEN_FDS={len(fds)} exec {run}"
    with (served.directory / "log").open("ab") as log:
        served.process = subprocess.Popen(
            ["bash", "-c", script], stdout=log, stderr=log, pass_fds=fds, start_new_session=True
        )
    served.status_when(lambda r: r["zones"], "the zone to be published")
    for _ in range(8):
        assert soa("127.0.0.1", port) == 1
    assert soa("127.0.0.9", port, tcp=True) == 1
    # The reply comes from the address that was asked, or dnspython would not take it.
    assert soa("127.0.0.9", port) == 1


def test_ready_is_said_once_zones_are_answered(
    served: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        address = served.directory.parent / "notify"
        manager.bind(str(address))
        manager.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", str(address))
        served.start()
        assert manager.recv(1000).startswith(b"READY=1\nSTATUS=serving 2 zones")
        assert soa("127.0.0.1", served.port) == 1
        assert served.process is not None
        served.process.send_signal(signal.SIGHUP)
        assert manager.recv(1000).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
        assert manager.recv(1000).startswith(b"READY=1\n")
        assert served.stop() == 0
        assert manager.recv(1000) == b"STOPPING=1"


def test_reload_changes_who_may_transfer_and_keeps_answering(
    served: Agent, secret: Secret, new_agent: MakeAgent
) -> None:
    served.start().await_serial("example.com.", 1)
    query = dns.message.make_query("example.com.", "AXFR")
    query.use_tsig(secret.keyring)

    def refused() -> bool:
        reply = dns.query.tcp(query, served.host, port=served.port, timeout=5)
        return reply.rcode() == dns.rcode.REFUSED

    assert refused()
    with served.config.open("a") as file:
        file.write("\n".join(peer("secondary", "ns2", new_agent("ns2").address)) + "\n")
    assert served.process is not None
    served.process.send_signal(signal.SIGHUP)
    await_value(lambda: not refused() or None, "the transfer to be allowed")
    served.status_when(lambda r: r["zones"][0]["secondaries"], "the secondary in status")

    served.config.write_text("rubbish")
    served.process.send_signal(signal.SIGHUP)
    await_value(lambda: "not reloaded" in served.log or None, "the broken file to be reported")
    assert soa("127.0.0.1", served.port) == 1
    assert not refused()


def test_second_agent_on_the_same_state_is_refused(served: Agent) -> None:
    served.start()
    done = run_agent(served)
    assert done.returncode == 3
    assert "another agent runs on this state directory" in done.stderr


def test_port_that_is_taken_is_named(served: Agent) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", served.port))
        done = run_agent(served)
    assert done.returncode == 3
    assert served.address in done.stderr
    assert "cannot listen" in done.stderr


def test_no_agent_is_exit_code_3(served: Agent) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "zonecast", "status", "--config", str(served.config)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "no agent answers" in done.stderr


def run_agent(agent: Agent) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "zonecast", "run", "--config", str(agent.config)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "HOME": str(Path.home())},
    )


def test_an_agent_takes_no_other_ones_sockets(served: Agent, new_agent: MakeAgent) -> None:
    served.start()
    other = new_agent("ns2").configure()
    edit(other, str(other.sockets), str(served.sockets))
    assert other.spawn().wait(20) == 3
    assert "another agent answers on this socket; stop it, or give this one a run-dir" in other.log
    assert "Traceback" not in other.log
    assert served.ask("status")["agent"]["listening"] == [served.address]
    # What one that was killed left is in nobody's way.
    served.stop(signal.SIGKILL)
    served.start()
