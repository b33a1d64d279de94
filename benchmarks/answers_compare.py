"""Whether two servers answer alike: RCODE, flags that count, and sections as sets."""

from __future__ import annotations

import select
import socket
from collections.abc import Sequence
from typing import Any

import dns.flags
import dns.message
from generator import ORIGIN

_AT_ONCE = 64


def serves(port: int) -> bool:
    """Whether a server answers with the zone's SOA."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.5)
        try:
            sock.sendto(dns.message.make_query(ORIGIN, "SOA").to_wire(), ("127.0.0.1", port))
            return bool(dns.message.from_wire(sock.recv(65535)).answer)
        except OSError:
            return False


def differences(one: int, other: int, packets: Sequence[bytes], *, whole: bool) -> list[str]:
    """The questions of packets that two servers, by port, answer differently: in all sections, or
    else in RCODE, flags and answer section, for the rest is each server's taste."""
    if one == other:
        return []
    found = []
    for start in range(0, len(packets), _AT_ONCE):
        asked = [
            number.to_bytes(2, "big") + packet[2:]
            for number, packet in enumerate(packets[start : start + _AT_ONCE])
        ]
        first, second = _answers(one, asked), _answers(other, asked)
        for number, packet in enumerate(asked):
            if first[number] == second[number]:
                continue
            if _meaning(first[number], whole) != _meaning(second[number], whole):
                found.append(str(dns.message.from_wire(packet).question[0]))
    return found


def _answers(port: int, packets: Sequence[bytes]) -> dict[int, bytes]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", port))
        found: dict[int, bytes] = {}
        for _ in range(5):
            for number, packet in enumerate(packets):
                if number not in found:
                    sock.send(packet)
            while len(found) < len(packets) and select.select([sock], [], [], 1.0)[0]:
                answer = sock.recv(65535)
                found[int.from_bytes(answer[:2], "big")] = answer
            if len(found) == len(packets):
                return found
    raise SystemExit(f"the server at port {port} does not answer")


def _meaning(answer: bytes, whole: bool) -> tuple[Any, ...]:
    message = dns.message.from_wire(answer)
    flags = message.flags & (dns.flags.AA | dns.flags.TC | dns.flags.QR)
    sections = tuple(
        frozenset((rrset.name, rrset.rdtype, rrset.ttl, frozenset(rrset)) for rrset in section)
        for section in message.sections[1 : 4 if whole else 2]
    )
    return message.rcode(), flags, sections
