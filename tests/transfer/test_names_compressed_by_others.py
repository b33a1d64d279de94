"""Names compressed anywhere that another server compresses them."""

from __future__ import annotations

import dns.message
from transfer_support import ORIGIN, content, message, soa, wire, zone

from zonecast.protocol.transfer_in import TransferIn, WholeZone
from zonecast.zone.rrset import SOA_KEY


def test_repacked_by_dnspython_it_reads_the_same() -> None:
    wanted = zone(2)
    apex = wire(soa(2))
    plain = message([*apex, *wire(*(made for made in wanted if made.key != SOA_KEY)), *apex])
    repacked = dns.message.from_wire(plain, one_rr_per_rrset=True).to_wire()
    assert len(repacked) < len(plain)
    result = TransferIn(ORIGIN, 7, None).feed(repacked)
    assert isinstance(result, WholeZone)
    assert content(result.zone) == content(wanted)
