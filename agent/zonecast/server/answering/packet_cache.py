"""Replies by queries, both after the identifier, right for one version.

A query is kept from its second time on: where every query is another one, keeping them would cost
more than answering them. What came once is noted by one octet at a place that its hash gives.
"""

from __future__ import annotations

# What is held at most, in octets of queries and replies; and the longest of each worth keeping.
OCTETS = 64 * 1024 * 1024
LONGEST_QUERY = 320
LONGEST_REPLY = 4096

# Places for what came once, and after how many the noting begins anew: most places are free then.
_PLACES = 1 << 18
_NOTED = _PLACES // 2


class PacketCache(dict[bytes, bytes]):
    """A dictionary with a bound."""

    def __init__(self) -> None:
        self._octets = 0
        self._seen = bytearray(_PLACES)
        self._noted = 0

    def offer(self, query: bytes, reply: bytes) -> None:
        """Keep a reply, given whole, to a query after its identifier, if it came before."""
        place = hash(query) & (_PLACES - 1)
        if self._seen[place]:
            self._keep(query, reply)
            return
        self._seen[place] = 1
        self._noted += 1
        if self._noted == _NOTED:
            self._seen = bytearray(_PLACES)
            self._noted = 0

    def expect(self, query: bytes) -> None:
        """Keep the next reply that is offered for this query."""
        self._seen[hash(query) & (_PLACES - 1)] = 1

    def _keep(self, query: bytes, reply: bytes) -> None:
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
