"""How many transfers run at once, in all and of one peer, and who is next.

A transfer over the limits waits for another to end, in the order of coming; one whose peer has
all it may have keeps nobody else waiting. Who waits for too long is told so, and comes again:
by itself, as every secondary does, and not sooner than its retry timer says.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, NamedTuple

# The network of a client (see `connections`) and the name of the key it signed with, if any: hosts
# that share a key are peers of their own, and so are those behind one address with their keys.
Peer = tuple[bytes, bytes | None]


class Limits(NamedTuple):
    """Transfers at once, in all and of one peer; seconds that one waits for its turn, and that one
    may take, for as long as it holds an old version's pages."""

    most: int = 256
    per_peer: int = 32
    wait: float = 10.0
    deadline: float = 1800.0


def read_limits(settings: dict[str, Any]) -> Limits:
    """The limits in a settings message, those above where it has none."""
    return Limits(**settings.get("transfers", {}))


class Slots:
    """The transfers of a worker: those that run, and those that wait."""

    def __init__(self) -> None:
        self.limits = Limits()
        self._running: Counter[Peer] = Counter()
        self._all = 0
        # In the order of coming; done when it is this one's turn.
        self._waiting: dict[asyncio.Future[None], Peer] = {}

    async def enter(self, peer: Peer) -> bool:
        """Wait for this peer's turn; False where it does not come in time. Who entered has to
        `leave`."""
        if self._has_room(peer):
            self._take(peer)
            return True
        turn = asyncio.get_running_loop().create_future()
        self._waiting[turn] = peer
        try:
            await asyncio.wait((turn,), timeout=self.limits.wait)
        except asyncio.CancelledError:
            if turn.done():
                self.leave(peer)
            raise
        finally:
            self._waiting.pop(turn, None)
        return turn.done()

    def leave(self, peer: Peer) -> None:
        """This peer's transfer is over: the next one's turn."""
        self._all -= 1
        self._running[peer] -= 1
        if not self._running[peer]:
            del self._running[peer]
        self.let_in()

    def let_in(self) -> None:
        """Let everybody in for whom there is room now."""
        for turn, peer in list(self._waiting.items()):
            if self._has_room(peer):
                self._take(peer)
                del self._waiting[turn]
                turn.set_result(None)

    def _has_room(self, peer: Peer) -> bool:
        limits = self.limits
        return self._all < limits.most and self._running[peer] < limits.per_peer

    def _take(self, peer: Peer) -> None:
        self._all += 1
        self._running[peer] += 1
