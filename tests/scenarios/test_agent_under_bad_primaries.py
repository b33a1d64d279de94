"""An agent whose primaries go wrong: each zone stays exactly as it was, `status` says why, and what is
right again is taken without anybody's help."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import dns.exception
import dns.zone
from agents import Agent, Secret
from primary import primary
from streams import KEY, Stream, is_axfr, script, streams, version
from transfer_support import KEY_SECRET

from zonecast.protocol.sections import read_question
from zonecast.zone import names
from zonecast.zone import rdata as rd

FAMILIES = ("axfr", "ixfr", "signed", "unsound")
CHOSEN = [stream for family in FAMILIES for stream in streams(family) if stream.agent]
LATEST = "S9 NEW"


class Primaries:
    """What each zone's primary says, by the phase that it is in: "good" what the agent is to hold
    first, "wrong" its stream, "whole" the same but for whole zones, "right" the latest version."""

    def __init__(self) -> None:
        self.zones = {
            names.from_text(f"n{number}.test."): stream for number, stream in enumerate(CHOSEN)
        }
        self.phase = "good"

    def stream(self, query: bytes) -> Iterator[bytes | str]:
        stream = self.zones[read_question(query).name]
        if self.phase == "right":
            return script(Stream("", "", [f"{LATEST} S9"], key=stream.key), query)
        if self.phase == "whole" and is_axfr(query):
            return script(Stream("", "", ["S7 NEW S7"], key=stream.key), query)
        if self.phase == "good" and stream.held:
            return script(Stream("", "", [f"{stream.held} S5"], key=stream.key), query)
        if stream.held and is_axfr(query):
            return script(Stream("", "", ["rcode=REFUSED"], key=stream.key), query)
        return script(stream, query)

    def datagram(self, query: bytes) -> bytes:
        """Its SOA: always one that asks for a transfer, but for those that go backwards."""
        stream = self.zones[read_question(query).name]
        serial = {"good": "S5", "wrong": "S6", "whole": "S7", "right": "S9"}[self.phase]
        [reply] = script(Stream("", "", [serial], key=stream.key), query)
        assert isinstance(reply, bytes)
        return reply


def stored(agent: Agent, zone: str) -> set[tuple[bytes, int, int, bytes]] | None:
    """A zone as the agent gives it out; None where it has none."""
    try:
        found: dns.zone.Zone = agent.transfer(zone)
    except dns.exception.DNSException:
        return None
    return {
        (owner.to_wire().lower(), int(one.rdtype), ttl, rd.canonical(one.rdtype, one.to_wire()))
        for owner, ttl, one in found.iterate_rdatas()
    }


def expected(words: str, origin: bytes) -> set[tuple[bytes, int, int, bytes]] | None:
    zone = version(words, origin)
    if zone is None:
        return None
    return {
        ((made.owner + origin).lower(), made.rtype, made.ttl, rd.canonical(made.rtype, rdata))
        for made in zone
        for rdata in made.rdatas
    }


def said(report: dict[str, Any]) -> dict[str, str]:
    """What `status` says of each pulled zone that has trouble."""
    return {
        zone["zone"]: zone["refresh"]["trouble"]
        for zone in report["zones"]
        if zone["refresh"]["trouble"]
    }


def no_ixfr(report: dict[str, Any]) -> dict[str, str]:
    """Why zones came whole the last time, by `status`."""
    last = {zone["zone"]: zone["refresh"]["last-transfer"] for zone in report["zones"]}
    return {zone: found["no-ixfr"] for zone, found in last.items() if found and found["no-ixfr"]}


def configured(agent: Agent, secret: Secret, port: int, zones: Primaries) -> None:
    lines = ["[[key]]", 'name = "xfr.example"', f'secret-file = "{secret.path}"']
    for name in ("plain", "signed"):
        lines += ["[[primary]]", f'name = "{name}"', f'address = "127.0.0.1:{port}"']
        lines += ['keys = ["xfr.example"]'] * (name == "signed")
    lines += ["[[secondary]]", 'name = "tests"', 'address = "127.0.0.1:9"']
    for origin, stream in zones.zones.items():
        name = "signed" if stream.key else "plain"
        lines += ["[[zone]]", f'name = "{names.to_text(origin)}"', f'primaries = ["{name}"]']
    agent.configure(*lines).start()


def test_each_zone_stays_and_says_why(new_agent: Callable[[str], Agent], secret: Secret) -> None:
    """Pitfall: a transfer that fails is seen by nobody, if status does not say so."""
    assert KEY.name == names.from_text("xfr.example.")
    secret.path.write_text(KEY_SECRET + "\n")
    zones = Primaries()
    agent = new_agent("secondary")
    texts = {names.to_text(origin): stream for origin, stream in zones.zones.items()}
    held = [zone for zone, stream in texts.items() if stream.held]

    with primary(zones.stream, zones.datagram) as made:
        configured(agent, secret, made.port, zones)
        for zone in held:
            agent.await_serial(zone, 5)
        zones.phase = "wrong"
        for zone in held:
            agent.ask("refresh", zone=zone)
        report = agent.status_when(
            lambda report: len(said(report)) == len(texts), "trouble with every zone"
        )
        for zone, trouble in said(report).items():
            stream = texts[zone]
            falls_back = stream.held and stream.next == "axfr"
            assert re.search("REFUSED" if falls_back else stream.says, trouble), (stream, trouble)
        for origin, stream in zones.zones.items():
            zone = names.to_text(origin)
            assert stored(agent, zone) == expected(stream.held, origin), stream.name
        assert "internal error" not in agent.log
        zones.phase = "whole"
        falling = [zone for zone in held if texts[zone].next == "axfr"]
        for zone in falling:
            agent.ask("refresh", zone=zone)
        last = agent.status_when(lambda report: no_ixfr(report).keys() >= {*falling}, "whole zones")
        for zone, why in no_ixfr(last).items():
            assert re.search(texts[zone].says, why), (zone, why)
        zones.phase = "right"
        for zone in texts:
            agent.ask("refresh", zone=zone)
        agent.status_when(
            lambda report: not said(report) and all(z["serial"] == 9 for z in report["zones"]),
            "all zones to be well again",
        )
        for origin, stream in zones.zones.items():
            assert stored(agent, names.to_text(origin)) == expected(LATEST, origin), stream.name
