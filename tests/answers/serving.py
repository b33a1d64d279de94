"""A responder over zones in memory, for tests that need no process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zonecast.protocol.access import Access
from zonecast.protocol.tsig import Key
from zonecast.protocol.view import DictView
from zonecast.server.answering.responder import Responder
from zonecast.server.answering.rules import Rules
from zonecast.zone.rrset import Zone


class StaticView(DictView):
    """A version with a number, as a Snapshot of the store has one."""

    def __init__(
        self, zones: list[Zone], expired: frozenset[bytes] = frozenset(), number: int = 1
    ) -> None:
        super().__init__(zones, expired)
        self.number = number

    def audience(self, origin: bytes) -> frozenset[str] | None:
        """The secondaries that a zone is for: all."""
        return None


def make_responder(
    view: StaticView,
    report: Callable[[dict[str, Any]], None] = lambda _: None,
    *,
    datagram: bool = True,
    access: Access | None = None,
    keys: tuple[Key, ...] = (),
) -> Responder:
    """A responder that answers from `view`; its clients are IP addresses in text."""
    rules = Rules({key.name: key for key in keys}, access or Access([]))
    responder = Responder(rules, report, str, datagram=datagram)
    responder.use(view)
    return responder
