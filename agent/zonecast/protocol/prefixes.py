"""Lists of address prefixes: the longest one that holds an address decides.

Addresses are packed, 4 or 16 octets; an IPv4 one inside IPv6 (::ffff:192.0.2.1) counts as IPv4.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network

_MAPPED = bytes(10) + b"\xff\xff"


class Prefixes:
    """Prefixes in text that are allowed and such that are denied, the deciding one being the
    longest; what none of them holds gets `otherwise`. A look-up costs as many steps as there are
    different lengths. Raises ValueError for text that is no prefix."""

    def __init__(
        self, allow: Iterable[str] = (), deny: Iterable[str] = (), *, otherwise: bool = False
    ) -> None:
        self._otherwise = otherwise
        by_shift: dict[int, dict[int, dict[int, bool]]] = {4: {}, 6: {}}
        for prefixes, verdict in ((allow, True), (deny, False)):
            for text in prefixes:
                network = ip_network(text)
                shift = network.max_prefixlen - network.prefixlen
                verdicts = by_shift[network.version].setdefault(shift, {})
                verdicts[int(network.network_address) >> shift] = verdict
        # The longest prefix is the one with the least shift.
        self._ipv4 = sorted(by_shift[4].items())
        self._ipv6 = sorted(by_shift[6].items())

    def holds(self, address: bytes) -> bool:
        """The verdict on a packed address."""
        prefixes = self._ipv4
        if len(address) != 4 and len(address := plain(address)) != 4:
            prefixes = self._ipv6
        number = int.from_bytes(address, "big")
        for shift, verdicts in prefixes:
            verdict = verdicts.get(number >> shift)
            if verdict is not None:
                return verdict
        return self._otherwise


def plain(address: bytes) -> bytes:
    """A packed address; an IPv4 one inside IPv6 as IPv4."""
    return address[12:] if len(address) == 16 and address.startswith(_MAPPED) else address
