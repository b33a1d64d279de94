"""A big zone's messages, read by several processes at once while they come in.

Stretches of messages go to helpers as long as these are free; what is left is read here. The parts
that come of them are joined in their order. One that did not come to a part, or does not go on
what stands before it, is read again here, record by record: what is read is so the same in every
case, and what is wrong is said as if nobody had helped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

from zonecast.protocol.transfer_part import Message, pack_task, read_part, unpack_part
from zonecast.protocol.transfer_plain import Part, WholeIn

# Octets of a transfer that are read before helpers are asked for, and of one stretch.
SHARED_FROM = 1 << 20
STRETCH = 256 << 10
# Stretches under way at most, and how many of them may come to no part before all is read here.
_AT_ONCE = 16
_IN_VAIN = 3


Read = Callable[[Message], None]


class Answer(Protocol):
    """What a helper will have read."""

    def ready(self) -> bool:
        """Whether it is there."""

    def wait(self) -> bytes:
        """The octets for `unpack_part`; none where the helper failed."""


class Helpers(Protocol):
    """Who reads stretches, each in the order in which it was given them."""

    def start(self, task: bytes) -> Answer | None:
        """Have a task carried out; None where all are busy."""


class _Stretch(NamedTuple):
    messages: list[Message]
    answer: Answer | None
    part: Part | None

    def ready(self) -> bool:
        return self.answer is None or self.answer.ready()

    def result(self) -> Part | None:
        return self.part if self.answer is None else unpack_part(self.answer.wait())


class SharedReading:
    """Reads messages of the zone at `origin` into `whole`, with `helpers`. `read`, in all methods,
    takes one that has to be read here; it is not kept, since it keeps what keeps this."""

    def __init__(self, origin: bytes, whole: WholeIn, helpers: Helpers) -> None:
        self._origin = origin
        self._whole = whole
        self._helpers = helpers
        self._next: list[Message] = []
        self._octets = 0
        self._under_way: deque[_Stretch] = deque()
        self._in_vain = 0

    def take(self, message: Message, read: Read) -> None:
        """The next message, without a SOA record. Raises what `read` does, also for earlier ones."""
        self._next.append(message)
        self._octets += len(message.octets)
        if self._octets >= STRETCH:
            self._begin(read)

    def finish(self, read: Read) -> None:
        """Have everything read that was taken. Waits for the helpers. Raises as `take` does."""
        self._settle(0, read)
        for message in self._next:
            read(message)
        self._next, self._octets = [], 0

    def _begin(self, read: Read) -> None:
        messages, self._next, self._octets = self._next, [], 0
        answer = None
        if self._in_vain < _IN_VAIN:
            answer = self._helpers.start(pack_task(self._origin, messages))
        if answer is not None:
            self._under_way.append(_Stretch(messages, answer, None))
        elif self._under_way:
            part = read_part(self._origin, messages)
            self._under_way.append(_Stretch(messages, None, part))
        else:
            for message in messages:
                read(message)
        self._settle(_AT_ONCE, read)

    def _settle(self, left: int, read: Read) -> None:
        """Join what is there; wait until so many stretches are under way at most."""
        under_way = self._under_way
        while under_way and (len(under_way) > left or under_way[0].ready()):
            stretch = under_way.popleft()
            part = stretch.result()
            if part is None or not self._whole.join(part):
                self._in_vain += 1
                for message in stretch.messages:
                    read(message)
