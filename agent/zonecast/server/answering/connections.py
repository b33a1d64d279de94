"""How many connections there are, in all and of one client, and which goes where one is too many.

Where a client, or all together, have as many as they may, the one that was idle for longest makes
room (RFC 7766 §6.2.3 leaves to the server which it closes); where none is idle, the new one is
refused. The addresses of one IPv6 network of 64 bits are one client: a host has as many as it likes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from zonecast.protocol.prefixes import plain
from zonecast.server.answering.guard import packed

_IPV6_NETWORK = 8


@dataclass(eq=False)
class Connection:
    """One connection: the address of its client in text, and how to close it."""

    address: str
    close: Callable[[], object] = lambda: None
    client: bytes = field(init=False)

    def __post_init__(self) -> None:
        address = plain(packed(self.address))
        self.client = address if len(address) == 4 else address[:_IPV6_NETWORK]


class Connections:
    """All connections of a worker: at most `most`, and at most `per_client` of one client."""

    def __init__(self, most: int, per_client: int) -> None:
        self.limit(most, per_client)
        self._open: set[Connection] = set()
        self._of_client: dict[bytes, int] = {}
        # In the order in which they became idle.
        self._idle: dict[Connection, None] = {}
        self._idle_of: dict[bytes, dict[Connection, None]] = {}

    def limit(self, most: int, per_client: int) -> None:
        """Admit as many from now on; who is there may stay."""
        self._most = most
        self._per_client = per_client

    def admit(self, connection: Connection) -> bool:
        """Whether this one may stay; one that is idle may have been closed for it."""
        client = connection.client
        if self._of_client.get(client, 0) >= self._per_client:
            if not self._evict(self._idle_of.get(client, {})):
                return False
        elif len(self._open) >= self._most and not self.make_room():
            return False
        self._open.add(connection)
        self._of_client[client] = self._of_client.get(client, 0) + 1
        return True

    def make_room(self) -> bool:
        """Close the connection that was idle for longest; False where none is idle."""
        return self._evict(self._idle)

    def idle(self, connection: Connection) -> None:
        """This one waits for a query, and nothing is under way."""
        if connection in self._open:
            self._idle[connection] = None
            self._idle_of.setdefault(connection.client, {})[connection] = None

    def busy(self, connection: Connection) -> None:
        """This one is not idle any more."""
        if connection in self._idle:
            del self._idle[connection]
            group = self._idle_of[connection.client]
            del group[connection]
            if not group:
                del self._idle_of[connection.client]

    def remove(self, connection: Connection) -> None:
        """This one is closed, or about to be."""
        if connection not in self._open:
            return
        self.busy(connection)
        self._open.discard(connection)
        left = self._of_client[connection.client] - 1
        if left:
            self._of_client[connection.client] = left
        else:
            del self._of_client[connection.client]

    def close_idle(self) -> None:
        """Close every connection that is idle."""
        while self.make_room():
            pass

    def _evict(self, idle: dict[Connection, None]) -> bool:
        oldest = next(iter(idle), None)
        if oldest is None:
            return False
        self.remove(oldest)
        oldest.close()
        return True
