"""Every stream of the files beside this, from a scripted primary to the real puller process: whole, and
cut at every message and at random octets. What is stored is the old version or the new one."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
from primary import ScriptedPrimary, primary
from puller_support import KEY_FIELDS, PullerProcess
from streams import Stream, good, is_axfr, script, streams, version
from transfer_support import content

from zonecast.zone import names

WRONG = [*streams("axfr"), *streams("ixfr"), *streams("signed"), *streams("unsound")]
ODD = streams("tolerated")
LATEST = "S9 NEW"
REFUSED = "rcode=REFUSED"

# A stream is cut at every boundary between messages (of a hundred equal ones at every tenth), and
# at so many octets besides.
CUTS = 6
MANY = 20


@pytest.fixture(scope="module")
def puller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PullerProcess]:
    """One process and its store; each test has a zone of its own."""
    process = PullerProcess(tmp_path_factory.mktemp("pulled") / "state")
    try:
        yield process
    finally:
        process.end()


_numbers = count()


class Case:
    """A zone of which we hold what the stream says, and a primary that answers with the stream."""

    def __init__(self, puller: PullerProcess, stream: Stream) -> None:
        self.stream = stream
        self._puller = puller
        self._zone = f"n{next(_numbers)}.test."
        self._origin = names.from_text(self._zone)
        if stream.held:
            with primary(lambda query: good(stream.held, query)) as made:
                assert self._pull(made)["ok"]
        self.old = self.version(stream.held)
        assert self.stored == self.old

    def version(self, words: str) -> Any:
        """A version of the zone, as it compares."""
        zone = version(words, self._origin)
        return None if zone is None else content(zone)

    @property
    def stored(self) -> Any:
        held = self._puller.zone(self._origin)
        return None if held is None else content(held)

    @contextmanager
    def primary(self, whole: str = REFUSED) -> Iterator[ScriptedPrimary]:
        """The primary; who asked for changes and then for the whole zone gets `whole`."""

        def answer(query: bytes) -> Iterator[bytes | str]:
            if self.stream.held and is_axfr(query):
                return script(Stream("whole", "", [whole], key=self.stream.key), query)
            return script(self.stream, query)

        with primary(answer) as made:
            yield made

    def run(self, *primaries: ScriptedPrimary) -> dict[str, Any]:
        """One pull from these primaries, which forget what they were asked before."""
        for made in primaries:
            made.forget()
        return self._pull(*primaries, serial=self.stream.serial, key=self.stream.key)

    def _pull(
        self, *primaries: ScriptedPrimary, serial: int | None = None, key: bool = False
    ) -> dict[str, Any]:
        most = {"octets": 1 << 30, "records": 1 << 20} | self.stream.limits
        fields = [
            {
                "name": f"ns{made.port}",
                "address": f"127.0.0.1:{made.port}",
                "key": KEY_FIELDS if key else None,
                "limits": [most["octets"], most["records"]],
            }
            for made in primaries
        ]
        return self._puller.pull(fields, zone=self._zone, serial=serial)

    def cuts(self, made: ScriptedPrimary) -> list[int]:
        """Where to cut the answer to the first of the queries: anywhere before its end."""
        boundaries = [0, *made.boundaries[0]]
        if len(boundaries) > MANY:
            boundaries = [*boundaries[:5], *boundaries[5:-5:10], *boundaries[-5:]]
        chance = random.Random(self.stream.name)
        octets = [chance.randrange(boundaries[-1]) for _ in range(CUTS) if boundaries[-1]]
        return [*boundaries[:-1], *octets]


def kinds(made: ScriptedPrimary) -> list[str]:
    """What was asked for, in order, each once."""
    return list(dict.fromkeys("axfr" if is_axfr(query) else "ixfr" for query in made.queries))


@pytest.mark.parametrize("stream", WRONG, ids=lambda stream: stream.name)
def test_nothing_of_a_wrong_stream_is_stored(puller: PullerProcess, stream: Stream) -> None:
    """Pitfall: whatever is wrong with a stream, and wherever it ends, the version that we had stays
    whole."""
    case = Case(puller, stream)
    falls_back = bool(stream.held) and stream.next == "axfr"
    with case.primary() as made:
        reply = case.run(made)
        assert not reply["ok"], reply
        assert re.search("REFUSED" if falls_back else stream.says, reply["error"])
        assert case.stored == case.old
        assert kinds(made) == (
            ["ixfr", "axfr"] if falls_back else ["ixfr"] if stream.held else ["axfr"]
        )
        for cut in case.cuts(made):
            made.cut_at = cut
            reply = case.run(made)
            assert not reply["ok"], (cut, reply)
            assert case.stored == case.old, cut


@pytest.mark.parametrize(
    "stream", [s for s in WRONG if s.held and s.next == "axfr"], ids=lambda stream: stream.name
)
def test_wrong_changes_lead_to_the_whole_zone(puller: PullerProcess, stream: Stream) -> None:
    """Pitfall: what two primaries say must never mix: the whole zone comes from the same one."""
    case = Case(puller, stream)
    other = primary(lambda query: good("S8 OLD", query))
    with case.primary(f"{LATEST} S9") as made, other as second:
        reply = case.run(made, second)
        assert (reply["ok"], reply["how"], reply["serial"]) == (True, "axfr", 9)
        assert re.search(stream.says, reply["no-ixfr"])
        assert kinds(made) == ["ixfr", "axfr"]
        assert second.queries == []
    assert case.stored == case.version(LATEST)


@pytest.mark.parametrize("stream", ODD, ids=lambda stream: stream.name)
def test_an_odd_stream_is_stored_once_it_is_whole(puller: PullerProcess, stream: Stream) -> None:
    """Pitfall: a lone SOA, an answer in AXFR form that shows itself in the second message, two
    equal SOAs, any order and duplicates, no question: all of them right."""
    case = Case(puller, stream)
    with case.primary() as made:
        assert Case(puller, stream).run(made)["ok"], "another zone, to see how long it is"
        for cut in case.cuts(made):
            made.cut_at = cut
            assert not case.run(made)["ok"], cut
            assert case.stored == case.old, cut
        made.cut_at = None
        reply = case.run(made)
        assert reply["ok"], reply
    assert case.stored == case.version(stream.gives)
