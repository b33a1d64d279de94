"""A real agent's configuration reaches its workers, and what they counted its status."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable

import dns.message
import dns.query
import dns.rcode
import pytest
from agents import Agent, Secret, Zones, await_value, primary_config, zone_text

from zonecast.config import load
from zonecast.errors import ConfigError

ON = [
    "[rate-limit]",
    "responses-per-second = 5",
    "slip = 1",
    "[query]",
    'deny = ["127.0.0.2"]',
    "[[query.zone]]",
    'name = "inside.example"',
    'allow = ["127.0.0.4"]',
    "[[query.zone]]",
    'name = "x.example.com"',
    "[[query.zone]]",
    'name = "not-here.example"',
]


def rcode(agent: Agent, source: str, *, tcp: bool = False, name: str = "example.com.") -> int:
    query = dns.message.make_query(name, "SOA")
    ask = dns.query.tcp if tcp else dns.query.udp
    return int(ask(query, agent.host, port=agent.port, source=source, timeout=5).rcode())


def test_limits_and_lists_of_the_configuration(
    zones: Zones, secret: Secret, new_agent: Callable[[str], Agent]
) -> None:
    zones.write("example.com.zone", zone_text(7))
    zones.write("inside.example.zone", zone_text(7))
    zones.push()
    agent = new_agent("ns1").configure(*primary_config(zones, secret), *ON).start()
    agent.await_serial("example.com.", 7)
    (warning,) = agent.ask("status")["warnings"]
    assert warning.startswith(
        "[[query.zone]] x.example.com. is no zone, but inside of example.com.:"
    )
    for tcp in (False, True):
        assert rcode(agent, "127.0.0.2", tcp=tcp) == dns.rcode.REFUSED
        assert rcode(agent, "127.0.0.1", tcp=True) == dns.rcode.NOERROR
        # A zone's own list counts instead of the other.
        assert rcode(agent, "127.0.0.1", tcp=tcp, name="inside.example.") == dns.rcode.REFUSED
        assert rcode(agent, "127.0.0.4", tcp=tcp, name="inside.example.") == dns.rcode.NOERROR
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect((agent.host, agent.port))
        packet = dns.message.make_query("example.com.", "SOA").to_wire()
        for _ in range(100):
            client.send(packet)
        truncated = sum(bool(client.recv(4096)[2] & 2) for _ in range(100))
    assert truncated >= 50

    def counted() -> bool:
        guard = agent.ask("status")["agent"]["guard"]
        return bool(guard["slipped"] >= truncated and guard["refused"] >= 2)

    await_value(counted, "the counts in the status")
    agent.config.write_text(agent.config.read_text().replace("127.0.0.2", "198.51.100.0/24"))
    assert agent.process is not None
    agent.process.send_signal(signal.SIGHUP)
    await_value(lambda: rcode(agent, "127.0.0.2", tcp=True) == dns.rcode.NOERROR, "the reload")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[query]\nallow = ["192.0.2.1/24"]', "no address prefix: 192.0.2.1/24 has host bits set"),
        ('[query]\nallow = ["192.0.2.7"]\ndeny = ["192.0.2.7/32"]', "is allowed and denied"),
        (
            '[[query.zone]]\nname = "a"\nallow = ["::1"]\ndeny = ["::1"]',
            "[query.zone]: '::1/128' is allowed and denied",
        ),
        ('[[query.zone]]\nname = "a"\n[[query.zone]]\nname = "A."', "more than once"),
        ("[rate-limit]\nslip = -1", "'slip': expected a whole number from 0 to 100"),
        ('listen = ["192.0.2.1:853"]', "is for TLS"),
        (
            '[[secondary]]\nname = "a"\naddress = "192.0.2.1"\ntls = true',
            "'a' is to transfer over TLS, but there is no [tls]",
        ),
    ],
)
def test_what_cannot_be_is_said(text: str, complaint: str, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent("ns1")
    agent.directory.mkdir(parents=True, exist_ok=True)
    agent.config.write_text(text)
    with pytest.raises(ConfigError) as raised:
        load(agent.config)
    assert complaint in str(raised.value)
