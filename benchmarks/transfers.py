"""Zone transfers out and in, beside Knot, NSD and BIND.

    python benchmarks/transfers.py [--records 1000000] [--rounds 3] [--servers …] [PART…]

The servers take turns in one run, each on one core with all its processes (where nothing else is
said); who is at the other end is on another. Ratios are to Knot's in the same round. Prints a Markdown table for each part.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from transfers_fanout import fanning
from transfers_in import fetching
from transfers_out import sending
from transfers_together import crowding
from transfers_zones import flooding

PARTS: dict[str, Callable[[argparse.Namespace, Path], str]] = {
    "out": sending,
    "together": crowding,
    "in": fetching,
    "fanout": fanning,
    "zones": flooding,
}


def main() -> None:
    """Measures the parts named, or all."""
    parser = argparse.ArgumentParser(description="zone transfers, beside others")
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="PART")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--servers", default="", help="only these, by comma")
    arguments = parser.parse_args()
    if len(os.sched_getaffinity(0)) < 2:
        raise SystemExit("two cores are needed")
    print(f"## Zone transfers, median of {arguments.rounds} rounds\n")
    for name in arguments.parts or PARTS:
        with tempfile.TemporaryDirectory(prefix="zonecast-bench-") as directory:
            print(PARTS[name](arguments, Path(directory)), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
