"""Replies by queries, both after the identifier, right for one version.

What is answered quickly is kept from its second time on: where every query is another one, keeping
them would cost more than answering them. What came once is noted by one octet at a place that its
hash gives. What took long (`keep`) is kept at once.
"""

from __future__ import annotations

# What is held at most, in octets of queries and replies; and the longest of each worth keeping.
OCTETS = 64 * 1024 * 1024
LONGEST_QUERY = 320
LONGEST_REPLY = 4096

# Places for what came once, and after how many the marking begins anew: most places are free then.
PLACES = 1 << 18
_MARKS = PLACES // 2


class PacketCache(dict[bytes, bytes]):
    """A dictionary with a bound. `came` has an octet for each place, not zero where a query came
    whose hash leads there."""

    def __init__(self) -> None:
        self._octets = 0
        self._noted = 0
        self.came = bytearray(PLACES)

    def offer(self, query: bytes, reply: bytes) -> None:
        """Keep a reply, given whole, to a query after its identifier, if it came before."""
        if self.came[hash(query) % PLACES]:
            self.keep(query, reply)
        else:
            self.came[hash(query) % PLACES] = 1
            self.noted(1)

    def noted(self, count: int) -> None:
        """So many places more were marked; at times the marking begins anew."""
        self._noted += count
        if self._noted > _MARKS:
            self.came[:] = bytes(PLACES)
            self._noted = 0

    def keep(self, query: bytes, reply: bytes) -> None:
        """Keep a reply in any case, if it is not too long."""
        if len(query) > LONGEST_QUERY or len(reply) > LONGEST_REPLY:
            return
        self._octets += len(query) + len(reply)
        if self._octets > OCTETS:
            self.forget()
        self[query] = reply[2:]

    def forget(self) -> None:
        """Forget every reply."""
        self.clear()
        self._octets = 0
