"""Replies that are too large for UDP, as the answerer makes them."""

from __future__ import annotations

import dns.message
import dns.name
import dns.rrset
from zone_support import TOP, check, ids, places


def glue(servers: int, addresses: int) -> str:
    lines = [f"sub NS server-{n}.sub\n" for n in range(servers)]
    for n in range(servers):
        lines += [f"server-{n}.sub AAAA 2001:db8:{n}::{m:x}\n" for m in range(1, addresses + 1)]
    return TOP + "".join(lines)


def referral_size(servers: int, addresses: int) -> int:
    """The same message, made by dnspython."""
    query = dns.message.make_query("sub.example.com.", "A", use_edns=0)
    reply = dns.message.make_response(query)
    hosts = [f"server-{n}.sub.example.com." for n in range(servers)]
    reply.authority.append(dns.rrset.from_text("sub.example.com.", 60, "IN", "NS", *hosts))
    for n, host in enumerate(hosts):
        texts = [f"2001:db8:{n}::{m:x}" for m in range(1, addresses + 1)]
        reply.additional.append(dns.rrset.from_text(host, 60, "IN", "AAAA", *texts))
    return len(reply.to_wire(max_size=65535))


def test_a_referral_with_its_glue() -> None:
    sizes = {servers: referral_size(servers, 4) for servers in range(4, 13)}
    assert min(sizes.values()) < 1232 < max(sizes.values())
    for servers, size in sizes.items():
        found = check(glue(servers, 4))
        assert ids(found) == ([] if size <= 1232 else ["message-over-udp"]), servers
        if found:
            assert f" {size} octets" in found[0].message
            assert places(found) == [("message-over-udp", 5, 1)]


def test_addresses_that_may_be_left_out_do_not_count() -> None:
    lines = [f"sub NS server-{n}\nserver-{n} A 192.0.2.{n}\n" for n in range(20)]
    many = "".join(f"sub NS server-{n}.example.net.\n" for n in range(20))
    assert check(TOP + "".join(lines)) == []
    assert check(TOP + many) == []


def test_an_rrset_with_its_signatures() -> None:
    one = "RRSIG TXT 8 3 60 20990101000000 20200101000000 1 example.com. " + "A" * 340
    text = "t TXT " + '"' + "x" * 200 + '" ' + '"' + "y" * 200 + '"\n'
    key = "@ DNSKEY 256 3 8 +/g=\n"  # of the tag 1
    fits = TOP + text + key + f"t {one}\n" + f"t {one[:-4]}AAAB\n"
    assert check(fits) == []
    assert places(check(fits + f"t {one[:-4]}AAAC\n")) == [("message-over-udp", 5, 1)]
