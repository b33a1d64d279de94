"""Who may transfer and who may notify: denied unless listed.

A peer with keys is known by one of its keys wherever it comes from (key before address: NAT, and
addresses can be forged); a peer without keys is known by its address.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from zonecast.errors import ConfigError


class Peer(NamedTuple):
    """A configured secondary or primary: an IP `address` in text, without port, and the wire
    names of its keys in lower case."""

    name: str
    address: str
    keys: frozenset[bytes] = frozenset()


class Access:
    """The rules of one agent. Raises ConfigError for an address that is none."""

    def __init__(self, secondaries: Iterable[Peer], primaries: Iterable[Peer] = ()) -> None:
        self._secondaries = _Rule(secondaries)
        self._primaries = _Rule(primaries)

    def may_transfer(self, ip: str, key_name: bytes | None) -> bool:
        """Whether the host at `ip` that signed with `key_name` may have a zone."""
        return bool(self._secondaries.match(ip, key_name))

    def may_notify(self, ip: str, key_name: bytes | None) -> bool:
        """Whether a NOTIFY from there is believed."""
        return bool(self._primaries.match(ip, key_name))

    def secondaries(self, ip: str, key_name: bytes | None) -> frozenset[str]:
        """The names of the secondaries that this may be; several may share a key."""
        return self._secondaries.match(ip, key_name)

    def primaries(self, ip: str, key_name: bytes | None) -> frozenset[str]:
        """The names of the primaries that this may be."""
        return self._primaries.match(ip, key_name)


class _Rule:
    def __init__(self, peers: Iterable[Peer]) -> None:
        self._by_key: dict[bytes, set[str]] = {}
        self._by_address: dict[str, set[str]] = {}
        for peer in peers:
            address = _address(peer)
            for key in peer.keys:
                self._by_key.setdefault(key.lower(), set()).add(peer.name)
            if not peer.keys:
                self._by_address.setdefault(address, set()).add(peer.name)

    def match(self, ip: str, key_name: bytes | None) -> frozenset[str]:
        found = set(self._by_address.get(_plain(ip), ()))
        if key_name is not None:
            found |= self._by_key.get(key_name, set())
        return frozenset(found)


def _address(peer: Peer) -> str:
    try:
        return _plain(peer.address)
    except ValueError:
        raise ConfigError(
            f"'{peer.address}' is not an IP address", where=f"peer {peer.name}"
        ) from None


def _plain(ip: str) -> str:
    """An address in its one text form; an IPv4 one inside IPv6 (::ffff:192.0.2.1) as IPv4."""
    address = ip_address(ip.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)
