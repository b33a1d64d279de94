"""Queries over the zone of `generator`: what stub resolvers and caches ask of such a zone."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

from generator import ORIGIN, zone_file

WILDCARDS = "".join(f"*.wild{number} IN A 10.1.2.{number}\n" for number in range(1, 200))


def zone_of_names(names: int) -> bytes:
    """A zone file with about so many names, wildcards among them."""
    return zone_file(int(names * 1.6)) + WILDCARDS.encode()


def _owners(text: bytes) -> dict[str, set[str]]:
    """The types at each owner (relative text) of the zone's plain lines; NS alone at a cut."""
    found: dict[str, set[str]] = defaultdict(set)
    owner = ""
    for line in text.decode().splitlines():
        words = line.split()
        if not words or line[0] in ";$":
            continue
        if not line[0].isspace():
            owner = words.pop(0)
        types = [word for word in words[:3] if word.isupper() and word != "IN" and word.isalpha()]
        if types and "." not in owner.removeprefix("_sip._tcp."):
            found[owner].add(types[0])
    found.pop("@", None)
    return found


def _kinds(text: bytes, chance: random.Random) -> dict[str, Iterator[tuple[str, str]]]:
    owners = _owners(text)
    cuts = [owner for owner, types in owners.items() if "NS" in types]
    plain = [owner for owner, types in owners.items() if "NS" not in types]
    hits = [(owner, rtype) for owner in plain for rtype in owners[owner]]
    asked = ("A", "AAAA", "TXT", "MX", "HTTPS")
    hits += [(o, rtype) for o in plain if "CNAME" in owners[o] for rtype in asked]
    chance.shuffle(hits)

    def absent() -> Iterator[tuple[str, str]]:
        while True:
            yield f"{chance.choice(plain)}x{chance.randrange(10**6)}", chance.choice(["A", "AAAA"])

    def covered() -> Iterator[tuple[str, str]]:
        while True:
            yield f"n{chance.randrange(10**6)}.wild{chance.randrange(1, 200)}", "A"

    def delegated() -> Iterator[tuple[str, str]]:
        while True:
            yield f"w{chance.randrange(10**4)}.{chance.choice(cuts)}", "A"

    def empty() -> Iterator[tuple[str, str]]:
        while True:
            yield chance.choice(plain), chance.choice(["HINFO", "NAPTR", "LOC", "TLSA"])

    return {
        "hit": iter(hits),
        "nxdomain": absent(),
        "wildcard": covered(),
        "referral": delegated(),
        "nodata": empty(),
    }


def queries(text: bytes, shares: dict[str, float], count: int, seed: int = 5) -> list[str]:
    """So many distinct queries, "name TYPE", in random order. `shares` are of the kinds above; what runs
    out leaves its share empty."""
    chance = random.Random(seed)
    kinds = _kinds(text, chance)
    found: dict[str, None] = {}
    for kind, share in shares.items():
        wanted = len(found) + int(count * share)
        # Of a small zone there are not so many: what is drawn is mostly known then.
        for owner, rtype in islice(kinds[kind], 4 * int(count * share)):
            if len(found) >= wanted:
                break
            found[f"{owner}.{ORIGIN} {rtype}"] = None
    listed = list(found)
    chance.shuffle(listed)
    return listed


def mixed_case(lines: Iterable[str], seed: int = 6) -> list[str]:
    """The same names with every letter in either case, as resolvers that guard against spoofing
    send them."""
    chance = random.Random(seed)
    found = []
    for line in lines:
        name, rtype = line.split()
        bits = chance.getrandbits(len(name))
        mixed = "".join(c.upper() if bits >> i & 1 else c for i, c in enumerate(name))
        found.append(f"{mixed} {rtype}")
    return found
