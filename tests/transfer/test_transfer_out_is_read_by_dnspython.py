"""What we send, read by an independent receiver: dnspython's inbound transfer."""

from __future__ import annotations

import dns.message
import dns.name
import dns.rdatatype
import dns.xfr
import dns.zone
import pytest
from transfer_support import BASE, DictSource, Record, at_serial, question, rrset, wire, zone

from zonecast.errors import WireError
from zonecast.protocol.compiled import transfer_records
from zonecast.protocol.question import client_serial
from zonecast.protocol.transfer_out import axfr_messages, ixfr_datagram, ixfr_messages
from zonecast.protocol.transfer_run import counted
from zonecast.protocol.tsig_record import MAX_SIGNATURE
from zonecast.zone.changeset import diff
from zonecast.zone.rrset import Zone

EXAMPLE = dns.name.from_text("example.com.")


def into(held: dns.zone.Zone, messages: list[bytes], kind: str, serial: int | None) -> None:
    rdtype = dns.rdatatype.from_text(kind)
    with dns.xfr.Inbound(held, rdtype, serial=serial) as inbound:
        done = [inbound.process_message(dns.message.from_wire(m, xfr=True)) for m in messages]
    assert done == [False] * (len(done) - 1) + [True]


def expected(held: Zone) -> dns.zone.Zone:
    """The zone as dnspython reads it, by way of one plain AXFR-shaped message a record."""
    made = dns.zone.Zone(EXAMPLE, relativize=False)
    with made.writer() as transaction:
        for one in held:
            parsed = dns.message.from_wire(
                bytes(4) + b"\x00\x01" + len(one.rdatas).to_bytes(2, "big") + bytes(4)
                + question("AXFR") + transfer_records(one)
            )  # fmt: skip
            for answer in parsed.answer:
                transaction.replace(answer.name, answer.to_rdataset())
    return made


def records(count: int) -> list[Record]:
    return [*BASE, *((f"h{n}", "TXT", 60, f'"{n} {"x" * 60}"') for n in range(count))]


def test_axfr_of_one_message_and_of_many() -> None:
    """Pitfall: messages of 64 KiB in which names cannot point past offset 16383, glue included."""
    for count in (0, 3000):
        held = zone(5, records(count))
        messages = list(axfr_messages(7, question("AXFR"), DictSource(held)))
        assert (len(messages) > 3) == (count > 0)
        assert all(len(m) + MAX_SIGNATURE <= 65535 for m in messages)
        got = dns.zone.Zone(EXAMPLE, relativize=False)
        into(got, messages, "AXFR", None)
        assert got == expected(held)


def test_messages_are_made_one_at_a_time() -> None:
    source = DictSource(zone(5, records(3000)))
    taken = 0
    whole = source.runs()

    def counted():
        nonlocal taken
        for run in whole:
            taken += 1
            yield run

    source.runs = counted  # type: ignore[method-assign]
    next(axfr_messages(7, question("AXFR"), source))
    assert 0 < taken < 1500


def test_ixfr_takes_a_zone_through_its_history() -> None:
    first = zone(5, records(50))
    second = zone(6, records(60)[1:])
    third = at_serial(zone(7, records(2000)), 7)
    source = DictSource(third, [diff(first, second), diff(second, third)])
    got = expected(first)
    messages = list(ixfr_messages(7, question("IXFR"), 5, source))
    assert len(messages) > 1
    into(got, messages, "IXFR", 5)
    assert got == expected(third)


def test_ixfr_over_udp_that_does_not_fit_is_one_soa() -> None:
    """Pitfall: over UDP one SOA also says: come back over TCP."""
    old, new = zone(5), zone(6, records(3))
    source = DictSource(new, [diff(old, new)])
    small = ixfr_datagram(7, question("IXFR"), 5, source, 400)
    assert dns.message.from_wire(small).answer[0][0].serial == 6
    assert len(dns.message.from_wire(small).answer) == 1
    fits = ixfr_datagram(7, question("IXFR"), 5, source, 1232)
    assert 400 < len(fits) <= 1232
    got = expected(old)
    into(got, [fits], "IXFR", 5)
    assert got == expected(new)


def test_client_with_this_or_a_newer_serial_gets_one_soa() -> None:
    """Pitfall: exactly one SOA says that there is nothing new (RFC 1995 §2)."""
    source = DictSource(zone(5))
    for serial in (5, 6, 5 + 2**31 - 1):
        [only] = ixfr_messages(7, question("IXFR"), serial, source)
        assert len(dns.message.from_wire(only).answer) == 1
    # Neither serial is greater: the client is helped by the whole zone alone.
    [whole] = ixfr_messages(7, question("IXFR"), (5 + 2**31) % 2**32, source)
    assert len(dns.message.from_wire(whole, one_rr_per_rrset=True).answer) == 12


def test_a_run_larger_than_a_message_is_cut() -> None:
    held = zone(5)
    source = DictSource(held)
    big = b"".join(wire(*(rrset(f"x{n}", "TXT", 1, '"' + "y" * 200 + '"') for n in range(700))))
    source.runs = lambda: iter([counted(big)])  # type: ignore[method-assign]
    messages = list(axfr_messages(7, question("AXFR"), source))
    assert len(messages) == 3
    counts = [len(dns.message.from_wire(m, one_rr_per_rrset=True).answer) for m in messages]
    assert sum(counts) == 702


def test_a_record_that_fits_into_no_message_is_refused() -> None:
    source = DictSource(zone(5))
    too_big = rrset("x", "A", 1, "192.0.2.1")._replace(rtype=65280, rdatas=(bytes(65400),))
    source.runs = lambda: map(counted, wire(too_big))  # type: ignore[method-assign]
    with pytest.raises(WireError, match="fits into no"):
        list(axfr_messages(7, question("AXFR"), source))


def test_the_clients_serial_is_read_from_the_authority_section() -> None:
    query, _ = dns.xfr.make_query(expected(zone(77)))
    assert client_serial(query.to_wire()) == 77
    query.authority.clear()
    with pytest.raises(WireError):
        client_serial(query.to_wire())
