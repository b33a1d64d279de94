"""SIGHUP means a reload, also before there is anything that can be loaded again."""

from __future__ import annotations

import signal
from typing import ClassVar


class Hangup:
    """What came before the agent could obey it. A handler and no mask, which the children that
    are started meanwhile would inherit."""

    came: ClassVar[bool] = False

    @classmethod
    def hold(cls) -> None:
        """From now on SIGHUP is remembered, instead of ending the process."""
        signal.signal(signal.SIGHUP, cls._note)

    @classmethod
    def _note(cls, number: int, frame: object) -> None:
        cls.came = True
