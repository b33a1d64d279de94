"""An alias in an unsigned zone whose target is in a signed one: who sets DO gets that one's signatures
and proofs, on the fast path's second time too."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rdatatype as t
import dns.zone
import naive_signing
import pytest
from loading import query, zone_from_dnspython, zone_from_text
from serving import StaticView, make_responder

PLAIN = """\
$TTL 60
@ SOA ns admin 1 3600 600 86400 300
@ NS ns
there CNAME www.signed.test.
gone CNAME nothing.signed.test.
"""
SIGNED = "$TTL 60\n@ SOA ns admin 1 3600 600 86400 300\n@ NS ns\nwww A 192.0.2.1\n"


@pytest.mark.parametrize("chain", [naive_signing.NSEC, naive_signing.NSEC3])
def test_signatures_and_proofs_of_the_target(chain: str) -> None:
    signed = dns.zone.from_text(SIGNED, origin="signed.test.", relativize=False)
    naive_signing.sign(signed, chain)
    zones = [zone_from_text(PLAIN, "plain.test."), zone_from_dnspython(signed)]
    responder = make_responder(StaticView(zones))

    def types(name: str, *, dnssec: bool) -> tuple[set[int], set[int]]:
        packet = query(name, "A", edns=1232, dnssec=dnssec)
        reply = responder.reply(packet, "192.0.2.9")
        assert isinstance(reply, bytes)
        message = dns.message.from_wire(reply)
        found = [{int(rrset.rdtype) for rrset in part} for part in message.sections[1:3]]
        return found[0], found[1]

    proof = int(t.NSEC if chain == naive_signing.NSEC else t.NSEC3)
    for _ in range(2):
        for dnssec in (False, True):
            more = {int(t.RRSIG)} if dnssec else set()
            assert types("there.plain.test.", dnssec=dnssec) == ({1, 5} | more, set())
            answer, authority = types("gone.plain.test.", dnssec=dnssec)
            assert answer == {5}
            assert authority == {6} | more | ({proof} if dnssec else set())
