"""How far a long listing has come, for a person who waits at a terminal; nobody else sees it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Fewer than so many are done before the bar would be drawn.
_FEW = 300


@contextmanager
def progress(what: str, total: int, output_format: str) -> Iterator[Callable[[], object]]:
    """Gives what is to be called after each of `total` things. The bar is on standard error, while
    it is a terminal and the output is for people, and is gone at the end."""
    if total < _FEW or output_format != "human" or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)
