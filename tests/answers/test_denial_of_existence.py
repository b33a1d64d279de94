"""What no signer's zone shows: chains that change, collide or cost too much, and zones without one."""

from __future__ import annotations

from collections.abc import Iterable

import dns.dnssec
import dns.message
import dns.name
import dns.rcode
import dns.rdataset
import dns.rdatatype as t
import dns.zone
import naive_signing
import pytest
from loading import query, zone_from_dnspython, zone_from_text
from serving import StaticView, make_responder

from zonecast.zone.rrset import Zone, make_rrset

TEXT = """\
@ 900 SOA ns admin 1 3600 600 86400 300
@ 300 NS ns
ns 300 A 192.0.2.53
*.w 300 TXT "t"
sub 300 NS ns
"""
ORIGIN = dns.name.from_text("example.")


def zone(*chains: str) -> dns.zone.Zone:
    made = dns.zone.from_text(TEXT, origin=ORIGIN, relativize=False)
    for chain in chains:
        naive_signing.sign(made, chain)
    return made


def ask(
    source: dns.zone.Zone, name: str, qtype: str = "A", dnssec: bool = True
) -> dns.message.Message:
    return ask_stored(zone_from_dnspython(source), name, qtype, dnssec)


def ask_stored(
    source: Zone, name: str, qtype: str = "A", dnssec: bool = True
) -> dns.message.Message:
    responder = make_responder(StaticView([source]), datagram=False)
    reply = responder.reply(query(name, qtype, edns=1232, dnssec=dnssec), "")
    assert isinstance(reply, bytes)
    return dns.message.from_wire(reply)


def proofs(reply: dns.message.Message) -> Iterable[int]:
    """The types in the authority section, signatures left out."""
    return [rrset.rdtype for rrset in reply.authority if rrset.rdtype != t.RRSIG]


def drop(source: dns.zone.Zone, name: str, rtype: str, covered: str = "NONE") -> None:
    """Take away an RRset of a name."""
    source.delete_rdataset(dns.name.from_text(name, ORIGIN), rtype, covered)


def put_nsec3(source: dns.zone.Zone, name: str, rdata: str) -> None:
    owner = dns.name.from_text(name, ORIGIN)
    naive_signing.put(source, owner, 300, t.NSEC3, rdata)


def hashed(name: str, salt: str, iterations: int) -> str:
    return dns.dnssec.nsec3_hash(name, salt, iterations, 1)


@pytest.mark.parametrize("name", ["none.example.", "ns.example.", "a.w.example.", "sub.example."])
def test_nothing_is_proved_without_do_or_without_a_chain(name: str) -> None:
    for made, dnssec in ((zone(), True), (zone("nsec"), False), (zone("nsec3"), False)):
        for qtype in ("AAAA", "TXT", "ANY"):
            assert not {t.NSEC, t.NSEC3} & {*proofs(ask(made, name, qtype, dnssec))}


@pytest.mark.parametrize(("chain", "proof"), [("nsec", t.NSEC), ("nsec3", t.NSEC3)])
def test_a_wildcard_is_proved_without_its_own_signature(chain: str, proof: int) -> None:
    """RFC 4035 §3.1.3.3, RFC 5155 §7.2.6: that nothing closer is there does not hang on it."""
    made = zone(chain)
    drop(made, "*.w", "RRSIG", "TXT")
    reply = ask(made, "a.w.example.", "TXT")
    assert [rrset.rdtype for rrset in reply.answer] == [t.TXT]
    assert [(rrset.rdtype, rrset.covers) for rrset in reply.authority] == [
        (proof, t.TYPE0),
        (t.RRSIG, proof),
    ]


def test_the_signature_of_a_lost_nsec_proves_nothing() -> None:
    """RFC 4035 §3.1.1: a signature goes with what it covers."""
    made = zone("nsec")
    drop(made, "ns", "NSEC")
    drop(made, "sub", "NSEC")
    drop(made, "*.w", "NSEC")
    drop(made, "*.w", "RRSIG", "NSEC")
    reply = ask(made, "x.sub.example.")
    assert [rrset.rdtype for rrset in reply.authority] == [t.NS]
    for name in ("ns.example.", "*.w.example."):
        assert proofs(ask(made, name, "AAAA")) == [t.SOA]


def test_a_lost_nsec_of_the_apex_leaves_the_others() -> None:
    made = zone("nsec")
    drop(made, "@", "NSEC")
    drop(made, "@", "RRSIG", "NSEC")
    assert proofs(ask(made, "x.sub.example.")) == [t.NS, t.NSEC]
    assert proofs(ask(made, "ns.example.", "TXT")) == [t.SOA, t.NSEC]
    assert proofs(ask(made, "none.example.")) == [t.SOA]  # which the apex's covered


def test_the_nsecs_of_a_zone_without_signatures_prove_nothing() -> None:
    """They are data like any other. NSEC3s are announced, which counts (RFC 5155 §4)."""
    made = zone("nsec")
    naive_signing.strip_signatures(made)
    for name in ("none.example.", "ns.example.", "a.w.example.", "x.sub.example."):
        for qtype in ("TXT", "AAAA"):
            assert t.NSEC not in proofs(ask(made, name, qtype))
    assert [rrset.rdtype for rrset in ask(made, "ns.example.", "NSEC").answer] == [t.NSEC]


def test_an_nsec_whose_signature_is_lost_is_told() -> None:
    """RFC 4035 §3.1.3: the signature goes along where it is there."""
    for chain in ("nsec", "nsec3"):
        made = zone(chain)
        for name, rdataset in list(made.iterate_rdatasets()):
            if rdataset.covers in (t.NSEC, t.NSEC3):
                made.delete_rdataset(name, t.RRSIG, rdataset.covers)
        assert proofs(ask(made, "ns.example.", "TXT")) == [
            t.SOA,
            t.NSEC if chain == "nsec" else t.NSEC3,
        ]


def test_a_chain_that_no_parameters_announce_is_not_used() -> None:
    made = zone("nsec3")
    made.delete_rdataset(ORIGIN, "NSEC3PARAM")
    assert proofs(ask(made, "none.example.")) == [t.SOA]


def test_parameters_with_flags_announce_nothing() -> None:
    """RFC 5155 §4.1.2."""
    made = zone("nsec3")
    made.replace_rdataset(ORIGIN, dns.rdataset.from_text("IN", t.NSEC3PARAM, 0, "1 1 3 C0FFEE"))
    assert proofs(ask(made, "none.example.")) == [t.SOA]


@pytest.mark.parametrize("octets", [b"", b"\x01", b"\x01\x00\x00\x03"])
def test_parameters_that_are_cut_short_announce_nothing(octets: bytes) -> None:
    """A transfer may bring them; no file does."""
    made = zone_from_dnspython(zone("nsec3"))
    short = make_rrset(b"", t.NSEC3PARAM, 0, [octets])
    made.rrsets[short.key] = short
    reply = ask_stored(made, "none.example.")
    assert reply.rcode() == dns.rcode.NXDOMAIN
    assert proofs(reply) == [t.SOA]


def test_a_zone_with_both_chains_proves_with_nsec3() -> None:
    """But not before the chain is there, which comes before its NSEC3PARAM (RFC 5155 §10.4)."""
    made = zone("nsec", "nsec3")
    assert t.NSEC3 in proofs(ask(made, "none.example."))
    early = zone("nsec")
    naive_signing.put(early, ORIGIN, 0, t.NSEC3PARAM, "1 0 3 C0FFEE")
    assert t.NSEC in proofs(ask(early, "none.example."))


def test_the_records_of_another_chain_are_passed_over() -> None:
    """Two chains while a zone changes its salt: each proof is from the one that is announced."""
    made = zone("nsec3")
    whole = {name: ask(made, name) for name in ("none.example.", "a.b.w.example.", "sub.example.")}
    for name in ("example.", "ns.example.", "w.example.", "*.w.example.", "x.example."):
        put_nsec3(made, hashed(name, "BEEF", 1), f"1 0 1 BEEF {hashed(name, 'BEEF', 1)} A")
    for name, reply in whole.items():
        assert ask(made, name).authority == reply.authority


def test_the_owner_of_an_nsec3_does_not_exist() -> None:
    """RFC 5155 §7.2.8."""
    made = zone("nsec3")
    for rtype in ("A", "NSEC3", "ANY", "RRSIG"):
        for name in ("example.", "*.w.example."):
            owner = f"{naive_signing.nsec3_hash(dns.name.from_text(name))}.example."
            for dnssec in (True, False):
                reply = ask(made, owner, rtype, dnssec)
                assert reply.rcode() == dns.rcode.NXDOMAIN
                assert not reply.answer


def test_a_collision_is_a_failure() -> None:
    """RFC 5155 §7.2.9: what cannot be proved is not said."""
    made = zone("nsec3")
    put_nsec3(
        made,
        hashed("none.example.", "C0FFEE", 3),
        f"1 0 3 C0FFEE {hashed('example.', 'C0FFEE', 3)} TXT",
    )
    assert ask(made, "none.example.").rcode() == dns.rcode.SERVFAIL
    assert ask(made, "none.example.", dnssec=False).rcode() == dns.rcode.NXDOMAIN


def test_a_chain_of_many_iterations_is_shown_and_not_searched() -> None:
    """RFC 9276 §3.2: one NSEC3 tells a validator that the zone is as good as unsigned."""
    made = zone("nsec")
    naive_signing.put(made, ORIGIN, 0, t.NSEC3PARAM, "1 0 151 -")
    for name in ("example.", "ns.example."):
        put_nsec3(made, hashed(name, "", 151), f"1 0 151 - {hashed('example.', '', 151)} A")
    for name in ("none.example.", "ns.example.", "a.w.example.", "x.sub.example."):
        reply = ask(made, name, "TXT")
        assert len([rtype for rtype in proofs(reply) if rtype == t.NSEC3]) == 1


def test_glue_and_occluded_names_prove_nothing() -> None:
    """The NSEC before a name may stand far before it, above what a cut or a DNAME hides."""
    text = TEXT + "\n".join(f"h{n}.sub 300 A 192.0.2.1\nh{n}.dn 300 A 192.0.2.1" for n in range(9))
    made = dns.zone.from_text(text + "\ndn 300 DNAME ns\n", origin=ORIGIN, relativize=False)
    naive_signing.sign(made, "nsec")
    for name, owner in (("sud.example.", "sub.example."), ("do.example.", "dn.example.")):
        owners = {r.name.to_text() for r in ask(made, name).authority if r.rdtype == t.NSEC}
        assert owner in owners


def test_a_whole_zone_below_the_apexes_dname_is_proved() -> None:
    made = dns.zone.from_text(
        TEXT + "@ 300 DNAME elsewhere.test.\n", origin=ORIGIN, relativize=False
    )
    naive_signing.sign(made, "nsec3")
    assert t.NSEC3 in proofs(ask(made, "example.", "TXT"))


def test_other_zones_are_no_neighbours() -> None:
    """A chain ends with its zone, whatever stands beside it in the store."""
    first = zone_from_text(TEXT, "aaa.example.")
    view = StaticView([first, zone_from_dnspython(zone("nsec")), zone_from_text(TEXT, "zzz.")])
    reply = make_responder(view).reply(query("none.example.", "A", edns=1232, dnssec=True), "")
    assert isinstance(reply, bytes)
    assert all(r.name.is_subdomain(ORIGIN) for r in dns.message.from_wire(reply).authority)
