"""Zonecast says what BIND, Knot, NSD and PowerDNS say, or a named rule says why not.

Generated and real zones, thousands of queries; `make test-differential` (which sets
ZONECAST_DIFFERENTIAL=whole) asks tens of thousands, of large zones too, and takes its seeds from
ZONECAST_DIFFERENTIAL_SEED on.
"""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest
from battery import Outcome, run
from facts import Facts
from fleet import Fleet, fleet
from queries import queries
from realzones import real_root, real_zones
from signedworlds import sign
from tinyworlds import tiny_families, tiny_worlds
from worlds import Maker, make_worlds

WHOLE = os.environ.get("ZONECAST_DIFFERENTIAL") == "whole"
FIRST = int(os.environ.get("ZONECAST_DIFFERENTIAL_SEED", "1"))

SEEDS = range(FIRST, FIRST + (8 if WHOLE else 1))
WORLDS = 12 if WHOLE else 4
EACH = 1000 if WHOLE else 400  # queries about one generated world
TINY, EACH_TINY = (200, 60) if WHOLE else (40, 15)
FAMILIES = 80 if WHOLE else 12
SIGNED, EACH_SIGNED = (100, 120) if WHOLE else (12, 60)
REAL = 1000 if WHOLE else 60  # about one real zone
PATIENCE = 1200 if WHOLE else 120

pytestmark = pytest.mark.timeout(PATIENCE)


def ask(servers: Fleet, facts: Facts, count: int, seed: object, dnssec: float = 0.15) -> Outcome:
    return run(servers, facts, list(queries(Random(str(seed)), facts.known, count, dnssec)))


def conclude(outcome: Outcome, least: int) -> None:
    """Every query was asked, and nothing is left unexplained."""
    print(f"{outcome.asked} queries; explained: {dict(outcome.explained)}")
    assert outcome.asked >= least
    assert not outcome.wrong, "\n".join([f"{len(outcome.wrong)} wrong:", *outcome.wrong[:10]])


@pytest.mark.parametrize("seed", SEEDS)
def test_generated_zones(tmp_path: Path, seed: int) -> None:
    """Pitfall: where servers were found to differ (DNAME chains, RCODEs after a CNAME, cuts,
    sibling glue, wildcard loops), five are compared."""
    worlds = [(Facts(world.zones), EACH) for world in make_worlds(seed, WORLDS)]
    tiny = tiny_worlds(seed, TINY) + tiny_families(seed, FAMILIES)
    worlds += [(Facts(world.zones), EACH_TINY) for world in tiny]
    texts = {origin: text for facts, _ in worlds for origin, text in facts.texts.items()}
    total = Outcome()
    with fleet(tmp_path, texts) as servers:
        for number, (facts, count) in enumerate(worlds):
            total += ask(servers, facts, count, f"{seed}/{number}")
    conclude(total, WORLDS * EACH + (TINY + FAMILIES) * EACH_TINY)


@pytest.mark.parametrize("seed", SEEDS)
def test_signed_zones(tmp_path: Path, seed: int) -> None:
    """Without PowerDNS, which signs anew what it has no metadata for."""
    made = [*tiny_worlds(seed, SIGNED), *tiny_families(seed, FAMILIES // 2)]
    made += [Maker(seed, n, size=10).make() for n in range(2)]
    worlds = [sign(world, tmp_path) for world in made]
    texts = {origin: text for facts in worlds for origin, text in facts.texts.items()}
    total = Outcome()
    with fleet(tmp_path, texts, ("named", "knotd", "nsd")) as servers:
        for number, facts in enumerate(worlds):
            total += ask(servers, facts, EACH_SIGNED, f"{seed}/{number}", dnssec=0.9)
    conclude(total, len(worlds) * EACH_SIGNED)


def test_real_zones(tmp_path: Path, shared_data: Path) -> None:
    worlds = real_zones(shared_data, large=WHOLE)
    texts = {origin: text for facts in worlds for origin, text in facts.texts.items()}
    total = Outcome()
    with fleet(tmp_path, texts) as servers:
        for facts in worlds:
            total += ask(servers, facts, REAL, f"{FIRST}/{list(facts.texts)}")
    conclude(total, len(worlds) * REAL)


def test_root_and_what_is_below_on_one_server(tmp_path: Path, shared_data: Path) -> None:
    texts = dict(real_root(shared_data, large=WHOLE).texts)
    for world in make_worlds(FIRST, 3):
        texts |= world.zones
    facts = Facts(texts)
    with fleet(tmp_path, texts) as servers:
        conclude(ask(servers, facts, 3 * EACH, FIRST), 3 * EACH)
