"""Who may transfer and who may notify: denied unless listed.

A peer with keys is known by one of its keys wherever it comes from (key before address: NAT, and
addresses can be forged), one with a certificate by that over TLS (RFC 9103 §9.3.3), one that has both
by both; a peer with neither is known by its address.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from zonecast.errors import ConfigError


class Peer(NamedTuple):
    """A configured secondary or primary: an IP `address` in text, without port, and the wire
    names of its keys in lower case; the pins of the keys that its certificate may have, and the
    lower-cased name that it has to be for, where it has to show one."""

    name: str
    address: str
    keys: frozenset[bytes] = frozenset()
    pins: frozenset[str] = frozenset()
    certificate_name: str = ""


class Shown(NamedTuple):
    """A certificate that a client showed over TLS and that was verified: the pin of its key (see
    `pinning`), and the lower-cased names it is for."""

    pin: str
    names: frozenset[str]


class Access:
    """The rules of one agent. Raises ConfigError for an address that is none."""

    def __init__(self, secondaries: Iterable[Peer], primaries: Iterable[Peer] = ()) -> None:
        self._secondaries = _Rule(secondaries)
        self._primaries = _Rule(primaries)

    def may_transfer(
        self,
        ip: str,
        key_name: bytes | None,
        shown: Shown | None = None,
        among: frozenset[str] | None = None,
    ) -> bool:
        """Whether the host at `ip` that signed with `key_name`, and showed that certificate, may
        have a zone that is for the secondaries `among`, None for all."""
        found = self._secondaries.match(ip, key_name, shown)
        return bool(found if among is None else found & among)

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
        # By what a peer is known by: the name of a key, an address, a certificate's pin or name.
        self._known: dict[bytes | str, set[Peer]] = {}
        for peer in peers:
            address = _address(peer)
            marks: Iterable[bytes | str] = [key.lower() for key in peer.keys]
            marks = marks or [f"pin {pin}" for pin in peer.pins]
            marks = marks or ([f"name {peer.certificate_name}"] if peer.certificate_name else [])
            for mark in marks or [address]:
                self._known.setdefault(mark, set()).add(peer)

    def match(self, ip: str, key_name: bytes | None, shown: Shown | None = None) -> frozenset[str]:
        marks: list[bytes | str] = [_plain(ip)]
        if key_name is not None:
            marks.append(key_name)
        if shown is not None:
            marks += [f"pin {shown.pin}", *(f"name {name}" for name in shown.names)]
        found = set().union(*(self._known.get(mark, ()) for mark in marks))
        return frozenset(peer.name for peer in found if _shows(peer, shown))


def _shows(peer: Peer, shown: Shown | None) -> bool:
    """Whether that is the certificate of this peer, or it needs none."""
    if not peer.pins and not peer.certificate_name:
        return True
    if shown is None or (peer.pins and shown.pin not in peer.pins):
        return False
    return not peer.certificate_name or peer.certificate_name in shown.names


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
