"""Whether two servers answer alike: RCODE, flags that count, and sections as sets."""

from __future__ import annotations

import select
import socket
from collections.abc import Sequence
from typing import Any

import dns.flags
import dns.message
import dns.rdatatype
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


def differences(
    one: int, other: int, lines: Sequence[str], *, edns: bool, whole: bool
) -> list[str]:
    """The queries ("name TYPE") that two servers, by port, answer differently: in all sections, or
    else in RCODE, flags and answer section, for the rest is each server's taste."""
    if one == other:
        return []
    found = []
    for start in range(0, len(lines), _AT_ONCE):
        asked = lines[start : start + _AT_ONCE]
        packets = [_packet(number, line, edns) for number, line in enumerate(asked)]
        first, second = _answers(one, packets), _answers(other, packets)
        for number, line in enumerate(asked):
            if first[number] == second[number]:
                continue
            if _meaning(first[number], whole) != _meaning(second[number], whole):
                found.append(line)
    return found


def _packet(number: int, line: str, edns: bool) -> bytes:
    name, rtype = line.split()
    labels = name.rstrip(".").encode().split(b".")
    question = b"".join(bytes((len(label),)) + label for label in labels) + b"\x00"
    question += int(dns.rdatatype.from_text(rtype)).to_bytes(2, "big") + b"\x00\x01"
    opt = b"\x00\x00\x29\x10\x00\x00\x00\x80\x00\x00\x00" if edns else b""
    counts = b"\x00\x01\x00\x00\x00\x00" + (b"\x00\x01" if edns else b"\x00\x00")
    return number.to_bytes(2, "big") + b"\x00\x00" + counts + question + opt


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
