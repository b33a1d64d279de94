"""Transfers and NOTIFYs are denied unless listed; keys go before addresses."""

from __future__ import annotations

import pytest

from zonecast.errors import ConfigError
from zonecast.protocol.access import Access, Peer
from zonecast.zone.names import from_text

KEY, OTHER = from_text("xfr.example."), from_text("other.example.")
KEYED = Peer("ns2", "192.0.2.2", frozenset([KEY]))
PLAIN = Peer("ns3", "192.0.2.3")
SIX = Peer("ns4", "2001:DB8:0::4")


def test_nobody_is_allowed_by_default() -> None:
    access = Access([])
    for key in (None, KEY):
        assert not access.may_transfer("127.0.0.1", key)
        assert not access.may_notify("127.0.0.1", key)


@pytest.mark.parametrize(
    ("ip", "key", "allowed"),
    [
        ("192.0.2.2", KEY, True),
        ("198.51.100.9", KEY, True),
        ("192.0.2.2", None, False),
        ("192.0.2.2", OTHER, False),
        ("192.0.2.3", None, True),
        ("192.0.2.3", OTHER, True),
        ("::ffff:192.0.2.3", None, True),
        ("198.51.100.9", None, False),
        ("198.51.100.9", OTHER, False),
        ("2001:db8::4", None, True),
        ("2001:db8:0:0::4%eth0", None, True),
    ],
)
def test_who_may(ip: str, key: bytes | None, allowed: bool) -> None:
    peers = [KEYED, PLAIN, SIX]
    assert Access(peers).may_transfer(ip, key) is allowed
    assert Access([], peers).may_notify(ip, key) is allowed
    assert not Access([], peers).may_transfer(ip, key)
    assert not Access(peers).may_notify(ip, key)


def test_who_it_may_be() -> None:
    twin = Peer("ns5", "192.0.2.5", frozenset([KEY]))
    access = Access([PLAIN], [KEYED, twin, PLAIN])
    assert access.primaries("192.0.2.3", KEY) == {"ns2", "ns3", "ns5"}
    assert access.primaries("192.0.2.3", None) == {"ns3"}
    assert access.secondaries("192.0.2.3", KEY) == {"ns3"}


def test_an_address_that_is_none_is_named() -> None:
    with pytest.raises(ConfigError, match="peer ns9"):
        Access([Peer("ns9", "ns9.example.com")])
