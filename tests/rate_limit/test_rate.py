"""The limit itself, with time as an argument; and the prefixes that decide."""

from __future__ import annotations

import mmap
import os
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zonecast.protocol.prefixes import Prefixes
from zonecast.protocol.rate_limit import (
    BUCKET_FORMAT,
    BUCKET_OCTETS,
    BUCKETS,
    KEY_OCTETS,
    RateLimit,
    Slip,
)
from zonecast.server.rate_table import RateTable

KEY = bytes(range(7, 7 + KEY_OCTETS))


def octets(address: str) -> bytes:
    return ip_address(address).packed


@given(st.integers(1, 1000), st.floats(0, 2e9))
@settings(max_examples=50, deadline=None)
def test_as_many_at_once_as_in_a_second(rate: int, now: float) -> None:
    limit = RateLimit(rate, key=KEY)
    client = octets("192.0.2.1")
    assert [limit.spend(client, now) for _ in range(rate + 5)] == [True] * rate + [False] * 5
    assert [limit.spend(client, now + 1.5) for _ in range(rate)] == [True] * rate


def test_a_flood_gets_its_rate_and_no_more() -> None:
    limit = RateLimit(50, key=KEY)
    client = octets("192.0.2.1")
    sent = sum(limit.spend(client, 100 + n / 10_000) for n in range(100_000))
    assert 50 + 10 * 50 - 1 <= sent <= 50 + 10 * 50 + 1


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("192.0.2.1", "192.0.2.254", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("::ffff:192.0.2.1", "192.0.2.7", True),
        ("2001:db8:1:100::1", "2001:db8:1:1ff:ffff::9", True),
        ("2001:db8:1:100::1", "2001:db8:1:200::1", False),
    ],
)
def test_prefixes_are_counted_together(one: str, other: str, together: bool) -> None:
    limit = RateLimit(1, key=KEY)
    assert limit.spend(octets(one), 5.0)
    assert limit.spend(octets(other), 5.0) is not together


def test_a_prefix_may_end_within_an_octet() -> None:
    limit = RateLimit(1, ipv4=20, ipv6=60, key=KEY)
    assert limit.spend(octets("10.0.15.1"), 1.0)
    assert not limit.spend(octets("10.0.0.1"), 1.0)
    assert limit.spend(octets("10.0.16.1"), 1.0)


def test_who_shares_a_table_counts_together() -> None:
    table = memoryview(bytearray(BUCKETS * BUCKET_OCTETS)).cast(BUCKET_FORMAT)
    one, other = (RateLimit(3, key=KEY, table=table) for _ in range(2))
    client = octets("192.0.2.1")
    turns = [limit.spend(client, 1.0) for limit in (one, other) * 3]
    assert turns == [True] * 3 + [False] * 3
    assert one.spend(client, 2.5)


def test_prefixes_are_spread_whatever_they_are() -> None:
    """Neighbours too, of which there are most; how many share a bucket is what chance gives."""
    for key in (KEY, KEY[::-1]):
        limit = RateLimit(1, key=key)
        neighbours = (octets(f"10.{n >> 8}.{n & 255}.1") for n in range(10_000))
        spent = sum(limit.spend(address, 5.0) for address in neighbours)
        assert spent > 9_000


def test_every_nth_slips() -> None:
    assert [Slip(0).truncates() for _ in range(3)] == [False] * 3
    slip = Slip(3)
    assert [slip.truncates() for _ in range(6)] == [False, False, True] * 2


NETWORKS = st.builds(
    lambda address, length: ip_network((address, length), strict=False),
    st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6, network="2001:db8::/32")),
    st.integers(0, 32),
)


@given(st.dictionaries(NETWORKS, st.booleans(), max_size=8), st.booleans(), st.data())
@settings(max_examples=100, deadline=None)
def test_the_longest_prefix_decides(
    rules: dict[object, bool], otherwise: bool, data: st.DataObject
) -> None:
    networks = [ip_network(str(rule)) for rule in rules]
    inside = [network.network_address for network in networks]
    address = data.draw(st.sampled_from(inside)) if inside else ip_address("192.0.2.1")
    verdicts = {str(rule): verdict for rule, verdict in rules.items()}
    prefixes = Prefixes(
        [text for text, verdict in verdicts.items() if verdict],
        [text for text, verdict in verdicts.items() if not verdict],
        otherwise=otherwise,
    )
    holding = [network for network in networks if address in network]
    longest = max(holding, key=lambda network: network.prefixlen, default=None)
    expected = otherwise if longest is None else verdicts[str(longest)]
    assert prefixes.holds(address.packed) is expected


def test_a_table_in_memory_or_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(_: str) -> int:
        raise PermissionError

    for create in (None, forbidden):
        if create is not None:
            monkeypatch.setattr(os, "memfd_create", create, raising=False)
        rates = RateTable()
        known = rates.settings()
        with mmap.mmap(int(known["table"]), BUCKETS * BUCKET_OCTETS) as memory:
            assert not any(memory[:])
        rates.close()
