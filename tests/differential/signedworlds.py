"""Worlds signed with BIND's tools: NSEC, NSEC3, and NSEC3 with opt-out in turn; of worlds with several
zones some stay unsigned."""

from __future__ import annotations

import subprocess
from itertools import cycle
from pathlib import Path

from facts import Facts
from madezone import World
from peers import require

UNSIGNED = cycle((True, False, False))
CHAINS = cycle(([], ["-3", "-", "-H", "0"], ["-3", "aabb", "-H", "1", "-A"]))


def sign(world: World, directory: Path) -> Facts:
    """The world, each zone signed with a key of its own."""
    texts = {}
    for number, (origin, text) in enumerate(world.zones.items()):
        if number and next(UNSIGNED):
            texts[origin] = text
            continue
        place = directory / f"signed-{origin.lower()}"
        place.mkdir()
        (place / "zone").write_text(text)
        keygen = [require("dnssec-keygen"), "-q", "-a", "ECDSAP256SHA256", origin]
        subprocess.run(keygen, cwd=place, check=True, capture_output=True)
        # The signer cannot do NSEC3 where names have 255 octets: then NSEC.
        assert _signed(place, origin, next(CHAINS)) or _signed(place, origin, [])
        texts[origin] = (place / "signed").read_text()
    return Facts(texts)


def _signed(place: Path, origin: str, chain: list[str]) -> bool:
    command = [require("dnssec-signzone"), "-q", "-P", "-z", "-S", *chain]
    command += ["-O", "full", "-o", origin, "-f", "signed", "zone"]
    return not subprocess.run(command, cwd=place, capture_output=True).returncode
