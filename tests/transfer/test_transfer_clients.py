"""dig, kdig and drill transfer a zone from us, signed over several messages, and agree with it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest
from peers import require
from puller_support import KEY, scripted
from transfer_support import BASE, KEY_NAME, KEY_SECRET, DictSource, as_served, as_stored, zone

from zonecast.protocol.question import client_serial
from zonecast.protocol.sections import read_question
from zonecast.protocol.transfer_out import axfr_messages, ixfr_messages
from zonecast.protocol.tsig import Verified, verify
from zonecast.zone import rdata as rd
from zonecast.zone.changeset import diff

OLD = zone(5, [*BASE, *((f"h{n}", "TXT", 60, f'"{n}" "{"x" * 200}"') for n in range(1000))])
NEW = zone(6, [*BASE[1:], *((f"h{n}", "TXT", 60, f'"{n}" "{"x" * 200}"') for n in range(900))])


def serve(query: bytes) -> Iterator[bytes]:
    verified = verify(query, {KEY.name: KEY}, time.time())
    if not isinstance(verified, Verified):
        yield verified.reply(query)
        return
    plain = verified.message
    asked = read_question(plain)
    source = DictSource(NEW, [diff(OLD, NEW)])
    number, question = int.from_bytes(plain[:2], "big"), plain[12 : asked.end]
    if asked.qtype == rd.AXFR:
        messages = axfr_messages(number, question, source)
    else:
        messages = ixfr_messages(number, question, client_serial(plain), source)
    for one in messages:
        yield verified.signer.sign(one, time.time())


COMMANDS = {
    "dig": "dig @127.0.0.1 -p {port} -y hmac-sha256:{name}:{secret} +tcp +onesoa +nocomments "
    "+nostats +nocmd example.com {type}",
    "kdig": "kdig @127.0.0.1 -p {port} -y hmac-sha256:{name}:{secret} +tcp +nocomments +nostats "
    "+noheader example.com {type}",
    "drill": "drill -t -p {port} -y {name}:{secret}:hmac-sha256 example.com @127.0.0.1 {type}",
}


def run(client: str, port: int, rtype: str, secret: str = KEY_SECRET) -> list[str]:
    words = COMMANDS[client].format(port=port, name=KEY_NAME, secret=secret, type=rtype).split()
    words[0] = require(client)
    done = subprocess.run(words, capture_output=True, text=True, timeout=20)
    return [line for line in done.stdout.splitlines() if line and not line.startswith(";")]


@pytest.mark.parametrize("client", COMMANDS)
def test_the_whole_zone(client: str) -> None:
    require(client)
    with scripted(serve) as server:
        assert as_served("\n".join(run(client, server.port, "AXFR"))) == as_stored(NEW)


@pytest.mark.parametrize("client", ["dig", "kdig"])
def test_what_changed(client: str) -> None:
    require(client)
    with scripted(serve) as server:
        lines = run(client, server.port, "IXFR=5")
    texts = [line.split()[0] for line in lines if "\tTXT\t" in line]
    assert sorted(texts) == sorted(f"h{n}.example.com." for n in range(900, 1000))
    assert sum("\tSOA\t" in line for line in lines) in (3, 4)


@pytest.mark.parametrize("client", COMMANDS)
def test_another_secret_gets_nothing(client: str) -> None:
    require(client)
    with scripted(serve) as server:
        lines = run(client, server.port, "AXFR", "b3RoZXJvdGhlcm90aGVyb3RoZXI=")
    assert not [line for line in lines if "\tTXT\t" in line or "SOA" in line]
