"""A zone file like the big ones that are served: hosts, mail, services, delegations with glue and
signatures' DS records, in the proportions of a hosting provider's zone. The same every time."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

ORIGIN = "bench.example."
_HEAD = """\
; written by benchmarks/generator.py
$ORIGIN bench.example.
$TTL 3600
@ IN SOA ns1 hostmaster (
        2026010101 ; serial
        7200 3600 1209600 300 )
@ IN NS ns1
@ IN NS ns2.elsewhere.example.
@ IN MX 10 mail
ns1 IN A 192.0.2.1
mail IN A 192.0.2.2
"""
_HEAD_RECORDS = 6


def zone_file(records: int) -> bytes:
    """A zone file of so many records (a few more, up to one name's worth)."""
    parts = [_HEAD]
    written = _HEAD_RECORDS
    chance = random.Random(1)
    number = 0
    while written < records:
        for line in _name(number, chance):
            parts.append(line)
            written += 1
        number += 1
    return "".join(parts).encode()


def _name(number: int, chance: random.Random) -> Iterator[str]:
    kinds: list[Callable[[str, random.Random], Iterator[str]]] = [
        _host, _customer, _alias, _service, _delegation, _signed
    ]  # fmt: skip
    kind = chance.choices(kinds, weights=(50, 12, 18, 4, 14, 2))[0]
    return kind(f"{chance.choice(('host', 'www', 'cust', 'vm-'))}{number}", chance)


def _ipv4(chance: random.Random) -> str:
    return f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}"


def _ipv6(chance: random.Random) -> str:
    return f"2001:db8:{chance.randrange(65536):x}::{chance.randrange(1, 65536):x}"


def _host(name: str, chance: random.Random) -> Iterator[str]:
    yield f"{name} IN A {_ipv4(chance)}\n"
    if chance.random() < 0.6:
        yield f"{name} IN AAAA {_ipv6(chance)}\n"


def _customer(name: str, chance: random.Random) -> Iterator[str]:
    yield f"{name}\t\t300\tIN\tA\t{_ipv4(chance)}\n"
    yield f"\t\t300\tIN\tA\t{_ipv4(chance)}\n"
    yield f"{name} MX 10 mail\n"
    yield f"{name} MX 20 mx.elsewhere.example.\n"
    yield f'{name} TXT "v=spf1 mx a:mail.{ORIGIN[:-1]} -all"\n'
    if chance.random() < 0.3:
        yield f'{name} CAA 0 issue "ca.example.net"\n'


def _alias(name: str, chance: random.Random) -> Iterator[str]:
    yield f"{name} CNAME {chance.choice(('mail', 'ns1', 'cdn.elsewhere.example.'))}\n"


def _service(name: str, chance: random.Random) -> Iterator[str]:
    yield f"_sip._tcp.{name} SRV 0 5 {chance.randrange(1024, 65536)} mail\n"
    yield f"{name} A {_ipv4(chance)} ; voice\n"


def _delegation(name: str, chance: random.Random) -> Iterator[str]:
    yield f"{name} 86400 NS ns.{name}\n"
    yield f"{name} 86400 NS ns{chance.randrange(1, 400)}.elsewhere.example.\n"
    yield f"ns.{name} 86400 A {_ipv4(chance)}\n"


def _signed(name: str, chance: random.Random) -> Iterator[str]:
    yield f"{name} NS ns{chance.randrange(1, 400)}.elsewhere.example.\n"
    digest = chance.randbytes(32).hex().upper()
    yield f"{name} DS {chance.randrange(65536)} 13 2 {digest}\n"
