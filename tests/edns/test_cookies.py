"""DNS cookies (RFC 7873, RFC 9018): made, taken, renewed, refused; never another client's."""

from __future__ import annotations

import struct

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loading import query, zone_from_text
from serving import StaticView

from zonecast.protocol.access import Access
from zonecast.protocol.cookies import Cookies
from zonecast.protocol.edns import COOKIE
from zonecast.server.answering.guard import packed
from zonecast.server.answering.responder import Responder
from zonecast.server.answering.rules import Rules, Site

NOW = 1_559_731_985
ADDRESS = "198.51.100.100"
SECRET = bytes.fromhex("e5e973e5a6b2a43f48e7dc849e37bfcf")
NEXT_SECRET = bytes.fromhex("445536bcd2513298075a5d379663c962")
CLIENT = bytes.fromhex("2464c4abcf10c957")
VIEW = StaticView(
    [
        zone_from_text(
            "@ 900 SOA ns admin 7 3600 600 86400 300\n@ NS ns\nns A 192.0.2.53\nwww A 192.0.2.1\n"
            "big TXT "
            + " ".join(f'"{"x" * 250}"' for _ in range(4))
            + "\nsub NS ns.sub\nns.sub A 192.0.2.9\n",
            "example.",
        )
    ]
)


def made(cookie: bytes, address: str = ADDRESS, now: float = NOW, *secrets: bytes) -> bytes:
    """The server cookie answered, the client's part checked and cut off."""
    octets = Cookies(secrets or [SECRET]).judge(cookie, packed(address), now).option
    assert octets[:4] == struct.pack(">HH", COOKIE, 24)
    assert octets[4:12] == cookie[:8]
    return octets[12:]


# RFC 9018, appendix A.
@pytest.mark.parametrize(
    ("secret", "client", "address", "now", "cookie"),
    [
        (SECRET, "2464c4abcf10c957", ADDRESS, NOW, "010000005cf79f111f8130c3eee29480"),
        (SECRET, "2464c4abcf10c957", ADDRESS, 1559734385, "010000005cf7a871d4a564a1442aca77"),
        (SECRET, "fc93fc62807ddb86", "203.0.113.203", 1559734700, "010000005cf7a9acf73a7810aca2381e"),
        (
            NEXT_SECRET, "22681ab97d52c298", "2001:db8:220:1:59de:d0f4:8769:82b8", 1559741961,
            "010000005cf7c609a6bb79d16625507a",
        ),
    ],
)  # fmt: skip
def test_the_rfcs_examples(secret: bytes, client: str, address: str, now: int, cookie: str) -> None:
    assert made(bytes.fromhex(client), address, now, secret).hex() == cookie


def test_ipv4_on_a_socket_for_both_families_is_ipv4() -> None:
    cookies = Cookies([SECRET])
    inside = packed(f"::ffff:{ADDRESS}")
    cookie = CLIENT + made(CLIENT)
    for _ in range(2):
        fresh = cookies.answer(CLIENT, inside, NOW)
        assert fresh is not None
        assert fresh[6:] == cookie
        assert cookies.judge(cookie, inside, NOW).valid


def test_reserved_octets_of_others_are_part_of_the_hash() -> None:
    """RFC 9018 A.3: reserved octets that are not zero verify as they came."""
    cookie = bytes.fromhex("fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5")
    assert Cookies([SECRET]).judge(cookie, packed("203.0.113.203"), 1559727985 + 60).valid


def test_a_secret_that_was_rolled_over() -> None:
    """RFC 9018 A.4."""
    cookies = Cookies([NEXT_SECRET, bytes.fromhex("dd3bdf9344b678b185a6f5cb60fca715")])
    cookie = bytes.fromhex("22681ab97d52c298010000005cf7c57926556bd0934c72f8")
    verdict = cookies.judge(cookie, packed("2001:db8:220:1:59de:d0f4:8769:82b8"), 1559741961)
    assert verdict.valid
    assert verdict.option[12:].hex() == "010000005cf7c609a6bb79d16625507a"


@pytest.mark.parametrize(
    ("age", "valid", "renewed"),
    [
        (0, True, False), (1800, True, False), (1801, True, True), (3600, True, True),
        (3601, False, True), (-300, True, False), (-301, False, True),
    ],
)  # fmt: skip
def test_age_decides(age: int, valid: bool, renewed: bool) -> None:
    cookies = Cookies([SECRET])
    cookie = CLIENT + made(CLIENT, now=NOW - age)
    verdict = cookies.judge(cookie, packed(ADDRESS), NOW)
    assert verdict.valid == valid
    assert (verdict.option[4:] != cookie) == renewed
    if renewed:
        assert verdict.option[12:] == made(CLIENT)


def test_what_is_kept_ends_in_time() -> None:
    cookies = Cookies([SECRET], require=True)
    cookie = CLIENT + made(CLIENT)
    address = packed(ADDRESS)

    def answer(age: int) -> bytes | None:
        cookies.refresh(NOW + age)
        kept = cookies.answers.get(cookie + address)
        return kept or cookies.answer(cookie, address, NOW + age)

    for age in (0, 1, 1770, 1799, 1800):
        assert (answer(age) or b"")[6:] == cookie
    for age in (1801, 3570, 3600):
        assert (answer(age) or b"")[6:] not in (cookie, b"")
    assert answer(3601) is None


def test_what_is_kept_is_one_address_s_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zonecast.protocol.cookies.MAX_KEPT", 3)
    cookies = Cookies([SECRET])
    cookies.refresh(NOW)
    found = {cookies.answer(CLIENT, bytes((192, 0, 2, host)), NOW) for host in range(9)}
    assert (len(found), len(cookies.answers)) == (9, 3)
    cookies.answers.clear()
    cookies.answer(CLIENT + bytes(16), packed(ADDRESS), NOW)
    assert cookies.answers == {}
    assert Cookies([]).answer(CLIENT, packed(ADDRESS), NOW) is None


def test_a_cookie_is_good_for_one_address_and_under_known_secrets() -> None:
    cookies = Cookies([NEXT_SECRET, SECRET])
    cookie = CLIENT + made(CLIENT)
    assert cookies.judge(cookie, packed(ADDRESS), NOW).valid
    assert not cookies.judge(cookie, packed("198.51.100.101"), NOW).valid
    # Made by the secret that makes no more: taken, and replaced.
    assert cookies.judge(cookie, packed(ADDRESS), NOW).option[12:] == made(
        CLIENT, ADDRESS, NOW, NEXT_SECRET
    )
    assert not Cookies([NEXT_SECRET]).judge(cookie, packed(ADDRESS), NOW).valid


@given(st.binary(min_size=8, max_size=40), st.ip_addresses(), st.integers(0, 2**33))
def test_nothing_made_up_verifies(cookie: bytes, address: object, now: int) -> None:
    verdict = Cookies([SECRET]).judge(cookie, packed(str(address)), now)
    assert not verdict.valid
    again = Cookies([SECRET]).judge(verdict.option[4:], packed(str(address)), now)
    assert again.valid
    assert again.option == verdict.option


def responder(*, require: bool = False, datagram: bool = True) -> Responder:
    site = Site(cookie_secrets=(SECRET,), require_cookies=require)
    found = Responder(Rules({}, Access([]), site), lambda _: None, str, datagram=datagram)
    found.use(VIEW)
    return found


def ask(
    answering: Responder,
    cookie: bytes,
    name: str = "www.example.",
    client: str = ADDRESS,
    **more: int,
) -> dns.message.Message:
    packet = query(name, "A", edns=more.pop("edns", 1232), options=[(COOKIE, cookie)], **more)
    reply = answering.reply(packet, client)
    assert isinstance(reply, bytes)
    return dns.message.from_wire(reply)


def cookie_of(reply: dns.message.Message) -> bytes:
    (found,) = (item for item in reply.options if item.otype == COOKIE)
    return found.to_wire() or b""


@pytest.mark.parametrize("name", ["www.example.", "no.example.", "sub.example.", "elsewhere."])
def test_the_answer_is_that_without_a_cookie_and_the_cookie(name: str) -> None:
    answering = responder()
    plain = answering.reply(query(name, "A", edns=1232), ADDRESS)
    assert isinstance(plain, bytes)
    expected = dns.message.from_wire(plain)
    first = cookie_of(ask(answering, CLIENT, name))
    for cookie in (CLIENT, first, CLIENT + first[8:], CLIENT + bytes(16), CLIENT + bytes(32)):
        for _ in range(2):
            reply = ask(answering, cookie, name)
            assert cookie_of(reply) == first
            others = [item for item in reply.options if item.otype != COOKIE]
            assert others == list(expected.options)
            assert (reply.rcode(), reply.flags) == (expected.rcode(), expected.flags)
            assert reply.sections[:4] == expected.sections[:4]


def test_two_clients_never_get_each_others_cookie() -> None:
    answering = responder()
    one = cookie_of(ask(answering, CLIENT, client="192.0.2.1"))
    two = cookie_of(ask(answering, CLIENT, client="192.0.2.2"))
    assert one != two
    assert cookie_of(ask(answering, one, client="192.0.2.1")) == one
    assert cookie_of(ask(answering, one, client="192.0.2.2")) == two


@pytest.mark.parametrize("length", [0, 1, 7, 9, 15, 41, 60])
def test_a_wrong_length_is_formerr(length: int) -> None:
    reply = ask(responder(), bytes(length))
    assert (reply.rcode(), reply.edns, list(reply.answer)) == (dns.rcode.FORMERR, 0, [])


def test_the_cookie_counts_in_the_size() -> None:
    answering = responder()
    sizes = []
    for size in range(1000, 1233):
        packet = query("big.example.", "TXT", edns=size, options=[(COOKIE, CLIENT)])
        reply = answering.reply(packet, ADDRESS)
        assert isinstance(reply, bytes)
        assert len(reply) <= size
        truncated = bool(dns.message.from_wire(reply).flags & dns.flags.TC)
        sizes.append(len(reply) if not truncated else 0)
    whole = max(sizes)
    assert 0 in sizes  # both happened, and TC exactly where the cookie does not fit as well
    assert sizes == [0 if size < whole else whole for size in range(1000, 1233)]


def test_required_cookies() -> None:
    answering = responder(require=True)
    first = ask(answering, CLIENT)
    assert (first.rcode(), list(first.answer)) == (dns.rcode.BADCOOKIE, [])
    good = ask(answering, cookie_of(first))
    assert (good.rcode(), len(good.answer)) == (dns.rcode.NOERROR, 1)
    assert ask(answering, CLIENT + bytes(16)).rcode() == dns.rcode.BADCOOKIE
    # Who knows no cookies is not cut off, and over a stream the address is no forgery.
    plain = answering.reply(query("www.example.", "A", edns=1232), ADDRESS)
    assert isinstance(plain, bytes)
    assert dns.message.from_wire(plain).rcode() == dns.rcode.NOERROR
    assert ask(responder(require=True, datagram=False), CLIENT).rcode() == dns.rcode.NOERROR


def test_a_query_for_a_cookie_alone() -> None:
    """RFC 7873 §5.4: no question, and a COOKIE option."""

    def bare(*options: tuple[int, bytes]) -> dns.message.Message:
        whole = query(".", "A", edns=1232, options=options)
        packet = whole[:4] + b"\x00\x00" + whole[6:12] + whole[17:]
        reply = responder().reply(packet, ADDRESS)
        assert isinstance(reply, bytes)
        return dns.message.from_wire(reply)

    first = bare((COOKIE, CLIENT))
    assert (first.rcode(), first.question) == (dns.rcode.NOERROR, [])
    assert bare((COOKIE, cookie_of(first))).rcode() == dns.rcode.NOERROR
    assert bare((COOKIE, CLIENT + bytes(16))).rcode() == dns.rcode.BADCOOKIE
    assert bare((COOKIE, bytes(9))).rcode() == dns.rcode.FORMERR
    assert bare().rcode() == dns.rcode.FORMERR


def test_only_a_cookie_that_verifies_tells_a_known_client() -> None:
    answering = responder()
    good = cookie_of(ask(answering, CLIENT))

    def known(client: str, *options: tuple[int, bytes]) -> bool:
        return answering.has_cookie(query("www.example.", "A", edns=1232, options=options), client)

    assert known(ADDRESS, (COOKIE, good))
    assert known(ADDRESS, (3, b""), (COOKIE, good), (COOKIE, CLIENT))
    assert not known("192.0.2.1", (COOKIE, good))
    assert not known(ADDRESS, (COOKIE, CLIENT), (COOKIE, good))
    assert not known(ADDRESS, (COOKIE, good[:-1] + bytes((good[-1] ^ 1,))))
    assert not known(ADDRESS)
