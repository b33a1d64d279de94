"""Who may ask for which zone: the nearest list decides, and no chain leads round it."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest
from loading import query
from workers import PATIENCE, Store, worker

from zonecast.protocol.prefixes import Prefixes
from zonecast.protocol.query_lists import QueryLists
from zonecast.zone import names

PUBLIC = """\
$TTL 60
@ SOA ns admin 1 3600 600 86400 300
@ NS ns
ns A 192.0.2.53
www A 192.0.2.1
to CNAME secret.inside.example.
*.wild CNAME secret.inside.example.
gone CNAME nothing.inside.example.
graft DNAME inside.example.
inside NS ns.inside
ns.inside A 192.0.2.54
elsewhere CNAME host.other.test.
"""
INSIDE = """\
$TTL 60
@ SOA ns admin 1 3600 600 86400 300
@ NS ns
ns A 192.0.2.54
secret A 198.51.100.77
"""
# 127.0.0.2 may see all, 127.0.0.1 not what is inside.
LISTS = {
    "allow": [],
    "deny": ["127.0.0.3/32"],
    "closed": False,
    "zones": [
        {"name": "inside.example.", "allow": ["127.0.0.2/32"], "deny": [], "closed": True},
        {"name": "open.inside.example.", "allow": [], "deny": [], "closed": False},
    ],
}
SECRET = ip_address("198.51.100.77").packed


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    made.publish(PUBLIC, "example.")
    made.publish(INSIDE, "inside.example.")
    made.publish(INSIDE.replace("secret", "host"), "other.test.")
    yield made
    made.close()


def udp(port: int, packet: bytes, source: str) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.bind((source, 0))
        client.sendto(packet, ("127.0.0.1", port))
        return client.recv(4096)


def tcp(port: int, packet: bytes, source: str) -> bytes:
    with socket.create_connection(("127.0.0.1", port), PATIENCE, (source, 0)) as client:
        client.sendall(struct.pack(">H", len(packet)) + packet)
        stream = client.makefile("rb")
        return stream.read(struct.unpack(">H", stream.read(2))[0])


@pytest.mark.parametrize("kind", ["datagram", "stream"])
def test_a_zone_of_ones_own(store: Store, kind: str) -> None:
    exchange = udp if kind == "datagram" else tcp
    with worker(kind, store, query=LISTS) as (_, port):

        def ask(name: str, rtype: str = "A", source: str = "127.0.0.1") -> dns.message.Message:
            # Twice: the second is answered from the packet cache.
            packet = query(name, rtype, edns=1232)
            replies = [exchange(port, packet, source) for _ in range(2)]
            assert replies[0] == replies[1]
            return dns.message.from_wire(replies[0])

        inside = ("secret.inside.example.", "SECRET.Inside.example.", "nothing.inside.example.")
        for name in inside:
            refused = ask(name)
            assert refused.rcode() == dns.rcode.REFUSED
            assert not refused.answer
            assert not refused.authority
            assert [option.code for option in refused.options] == [dns.edns.EDECode.PROHIBITED]
            assert ask(name, source="127.0.0.2").rcode() != dns.rcode.REFUSED
        assert ask("www.example.").rcode() == dns.rcode.NOERROR
        assert ask("www.example.", source="127.0.0.3").rcode() == dns.rcode.REFUSED
        # DS is the parent's, who is for all; below a name that is open again everybody may ask.
        assert ask("inside.example.", "DS").rcode() == dns.rcode.NOERROR
        assert ask("a.open.inside.example.").rcode() == dns.rcode.NXDOMAIN
        assert ask("a.open.inside.example.", source="127.0.0.3").rcode() == dns.rcode.NXDOMAIN


@pytest.mark.parametrize("closed", [True, False])
def test_ds_at_an_apex_is_the_zones_own_where_the_parent_is_not_here(
    store: Store, closed: bool
) -> None:
    zones = [{"name": "other.test.", "allow": [], "deny": [], "closed": closed}]
    lists = {"allow": [], "deny": [], "closed": not closed, "zones": zones}
    expected = dns.rcode.REFUSED if closed else dns.rcode.NOERROR
    with worker("datagram", store, query=lists) as (_, port):
        for rtype in ("SOA", "DS"):
            packet = query("other.test.", rtype)
            reply = dns.message.from_wire(udp(port, packet, "127.0.0.1"))
            assert reply.rcode() == expected
            assert bool(reply.authority or reply.answer) != closed


@pytest.mark.parametrize("kind", ["datagram", "stream"])
def test_a_chain_ends_where_the_client_may_not_ask(store: Store, kind: str) -> None:
    exchange = udp if kind == "datagram" else tcp
    with worker(kind, store, query=LISTS) as (_, port):
        for name in ("to.example.", "x.wild.example.", "secret.graft.example."):
            packet = query(name, "A", edns=1232, options=[(19, b"")])
            (told, hidden) = (exchange(port, packet, f"127.0.0.{host}") for host in (2, 1))
            assert SECRET in told
            assert SECRET not in hidden
            reply = dns.message.from_wire(hidden)
            # As where the zone is another server's: the alias, and the parent's referral.
            assert reply.rcode() == dns.rcode.NOERROR
            assert reply.flags & dns.flags.AA
            assert {rrset.rdtype for rrset in reply.answer} <= {
                dns.rdatatype.CNAME,
                dns.rdatatype.DNAME,
            }
            assert str(reply.authority[0].name) == "inside.example."
            # Options that were asked for are in, once.
            assert [option.otype for option in reply.options] == [19]
        # That a name is not there is not told either; a chain into an open zone is.
        gone = dns.message.from_wire(exchange(port, query("gone.example.", "A"), "127.0.0.1"))
        assert gone.rcode() == dns.rcode.NOERROR
        open_ = exchange(port, query("elsewhere.example.", "A"), "127.0.0.1")
        assert SECRET in open_


def test_a_name_inside_of_a_zone_counts_for_questions_alone(store: Store) -> None:
    """As docs/configuration.md has it, for the chains of the zone itself."""
    store.publish(
        PUBLIC + "host.in A 198.51.100.77\nalias CNAME host.in\n@ MX 5 host.in\n", "own.test."
    )
    zones = [{"name": "in.own.test.", "allow": [], "deny": [], "closed": True}]
    lists = {"allow": [], "deny": [], "closed": False, "zones": zones}
    with worker("datagram", store, query=lists) as (_, port):
        for name, rtype in (("alias.own.test.", "A"), ("own.test.", "MX")):
            assert SECRET in udp(port, query(name, rtype), "127.0.0.1")
        reply = dns.message.from_wire(udp(port, query("host.in.own.test.", "A"), "127.0.0.1"))
        assert reply.rcode() == dns.rcode.REFUSED


def test_the_nearest_name_decides() -> None:
    def name(text: str) -> bytes:
        return names.from_text(text).lower()

    client, other = ip_address("192.0.2.1").packed, ip_address("2001:db8::1").packed
    nobody, everybody = Prefixes(), Prefixes(otherwise=True)
    lists = QueryLists(
        Prefixes(["192.0.2.0/24"]), {name("a.example."): nobody, name("b.a.example."): everybody}
    )
    for text, first, second in (
        ("example.", True, False),
        ("xa.example.", True, False),
        ("a.example.", False, False),
        ("c.a.example.", False, False),
        ("b.a.example.", True, True),
        ("*.b.a.example.", True, True),
        (".", True, False),
    ):
        assert lists.allows(name(text), client) is first, text
        assert lists.allows(name(text), other) is second, text
    everything = QueryLists(everybody, {name("."): nobody})
    assert not everything.allows(name("www.example."), client)
