"""NOTIFYs received (RFC 1996): answered at once and passed on; the controller decides what each is
good for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from zonecast.errors import WireError
from zonecast.protocol.access import Access
from zonecast.protocol.message import error_reply
from zonecast.protocol.notify import notify_reply, parse_notify
from zonecast.protocol.sections import FORMERR, REFUSED
from zonecast.zone import names

# Passed on in one second; more are not answered, so that an honest sender comes again.
NOTIFY_RATE = 1000

# Seconds between two reports of how many were refused.
REPORT_INTERVAL = 0.1


class Notified:
    """What one responder hears; `report` takes messages for the controller."""

    def __init__(self, report: Callable[[dict[str, Any]], None]) -> None:
        self._report = report
        self._count = 0
        self._second = 0
        self._refused = 0
        self._reported = 0.0

    def reply(self, packet: bytes, ip: str, key: bytes | None, access: Access) -> bytes | None:
        """The reply to a NOTIFY from `ip`, verified with `key` or not; None for silence."""
        try:
            notify = parse_notify(packet)
        except WireError:
            return error_reply(packet, FORMERR)
        if not access.may_notify(ip, key):
            self._count_refused(time.monotonic())
            return error_reply(packet, REFUSED)
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._count = second, 0
        self._count += 1
        if self._count > NOTIFY_RATE:
            return None
        self._report(
            {
                "notify": {
                    "zone": names.to_text(notify.origin.lower()),
                    "serial": notify.serial,
                    "address": ip,
                    "key": None if key is None else names.to_text(key),
                }
            }
        )
        return notify_reply(packet)

    def _count_refused(self, now: float) -> None:
        """A flood is counted, and takes none of the controller's time; what is not told yet is
        with the next one."""
        self._refused += 1
        if now - self._reported >= REPORT_INTERVAL:
            self._report({"guard": {"notifies": self._refused}})
            self._refused, self._reported = 0, now
