"""Work on big zones without Python's collector of cycles.

Records form no cycles: the collector would walk every one there is, time and again, and find
nothing (a fifth of the time of reading and of checking).
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collections(big: bool, *, keep: bool = False) -> Iterator[None]:
    """Puts the collector off, where the work is `big` and the collector on; what is there then is
    never walked again, where it is to `keep`."""
    if not big or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if keep:
            gc.freeze()
        gc.enable()
