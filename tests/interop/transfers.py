"""Transfers asked for by dnspython, record by record as they come, nothing merged."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from itertools import islice

import dns.message
import dns.name
from agents import Secret
from dns.rdatatype import SOA
from random_zone import ZONE, Record, record

PATIENCE = 10.0


def axfr(port: int, secret: Secret, zone: str = ZONE) -> list[Record]:
    """Every record of the zone, sorted."""
    found: list[Record] = []
    for one in _stream(port, secret, dns.message.make_query(zone, "AXFR")):
        if found and one.rtype == SOA:
            assert one == found[0], "the last SOA is not the first"
            return sorted(found)
        found.append(one)
    raise AssertionError("the transfer does not end in a SOA")


def differences(port: int, secret: Secret, expected: list[Record]) -> list[str]:
    """What the zone as transferred from there lacks or has besides the records expected."""
    wanted, found = Counter(expected), Counter(axfr(port, secret))
    lacks = [f"lacks {one}" for one in (wanted - found).elements()]
    return lacks + [f"has {one}" for one in (found - wanted).elements()]


def answers_ixfr(port: int, secret: Secret, serial: int) -> bool:
    """Whether the server says what changed since `serial` rather than the whole zone."""
    origin = dns.name.from_text(ZONE)
    query = dns.message.make_query(origin, "IXFR")
    soa = f"{ZONE} 0 IN SOA . . {serial} 0 0 0 0"
    query.authority.append(dns.rrset.from_text(*soa.split(maxsplit=4)))
    second = list(islice(_stream(port, secret, query), 2))[1]
    return second.rtype == SOA


def _stream(port: int, secret: Secret, query: dns.message.Message) -> Iterator[Record]:
    """The records of a signed transfer from 127.0.0.1 for as long as they come."""
    query.use_tsig(secret.keyring, keyname=secret.name)
    wire = query.to_wire()
    with (
        socket.create_connection(("127.0.0.1", port), PATIENCE) as sock,
        sock.makefile("rb") as octets,
    ):
        sock.sendall(len(wire).to_bytes(2, "big") + wire)
        context = None
        while size := octets.read(2):
            message = dns.message.from_wire(
                octets.read(int.from_bytes(size, "big")),
                keyring=secret.keyring,
                request_mac=query.mac,
                xfr=True,
                tsig_ctx=context,
                multi=True,
                one_rr_per_rrset=True,
            )
            assert message.rcode() == 0, message
            context = message.tsig_ctx
            assert context is not None, "a transfer that is not signed"
            for rrset in message.answer:
                for one in rrset:
                    yield record(rrset.name, rrset.ttl, one)
