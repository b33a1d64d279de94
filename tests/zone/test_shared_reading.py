"""A zone file that several processes read is the zone file that one reads: the same records in the
same order, the same findings, the same places."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zone_support import ORIGIN, TOP

from zonecast.errors import RepositoryError
from zonecast.server.reading import ReadingProcess, ReadingProcesses
from zonecast.zone.zonefile import Helpers, Parsed, lines, part, read_zone
from zonecast.zone.zonefile.part import NotPlainSailingError, read_part

SMALL = 64  # octets a block: small files are then cut like big ones

OWNERS = st.sampled_from(["a", "b", "c.d", "E", "e", "@", "*", "f.example.com."])
GOOD = st.one_of(
    st.builds(
        "{}{} {}{}\n".format,
        OWNERS,
        st.sampled_from(["", " IN"]),
        st.sampled_from(["A 192.0.2.", "MX 10 m", "TXT x", "NS n", "SRV 1 2 3 Z"]),
        st.integers(0, 255),
    ),
    st.builds("\tA 192.0.2.{}\n".format, st.integers(0, 255)),
    st.builds("e A 192.0.2.{} ; voice\n".format, st.integers(0, 255)),
    st.sampled_from(["; a comment\n", "\n", "a TXT ( one\nb two\nc three )\n", "h HINFO a b\n"]),
    st.sampled_from(["$ORIGIN sub\n", "$ORIGIN example.com.\n", "$TTL 60\n", "$TTL 2h\n"]),
)
ODD = st.sampled_from(
    [
        "a 1h A 192.0.2.1\n",
        "a 4294967296 A 192.0.2.1\n",
        "x.net. A 192.0.2.1\n",
        "g TXT ( never closed\n",
        "h TXT (\n$ORIGIN other\n)\n",
        "$ORIGIN elsewhere.\n",
        "$GENERATE 1-3 g$ A 192.0.2.$\n",
        "$INCLUDE other\n",
        "$INCLUDE missing\n",
        "@ SOA ns hostmaster 2026112101 7200 3600 1209600 300\n",
        "i CNAME\n",
        "Xx MX 10 UPPER\nxX MX 10 upper\n",
    ]
)


def mixed(good: list[str], odd: list[tuple[int, str]]) -> list[str]:
    lines = list(good)
    for at, line in odd:
        lines.insert(at % len(lines), line)
    return lines


LINES = st.builds(
    mixed,
    st.lists(GOOD, min_size=30, max_size=80),
    st.lists(st.tuples(st.integers(0, 80), ODD), max_size=3),
)


class Here:
    """Helpers without processes: the parts are read when they are asked for."""

    least = 0

    def __init__(self, count: int) -> None:
        self.count = count
        self.taken = 0  # parts read as a whole, and those that were begun
        self.begun = 0

    def start(self, task: bytes) -> Answer:
        return Answer(self, task)


class Answer:
    def __init__(self, helpers: Here, task: bytes) -> None:
        self.helpers, self.task = helpers, task

    def wait(self) -> list[bytes]:
        pieces: list[bytes] = []
        try:
            read_part(self.task, pieces.append)
        except NotPlainSailingError:
            self.helpers.begun += len(pieces) > 0
            return pieces
        self.helpers.taken += 1
        return pieces

    def drop(self) -> None:
        """Nothing to end."""


@pytest.fixture(scope="module", autouse=True)
def small_blocks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK", SMALL)
        patch.setattr(part, "PIECE", 5)
        yield


def read(content: bytes, helpers: Helpers | None = None) -> Parsed:
    def include(wanted: str, from_path: str) -> tuple[str, bytes]:
        if wanted != "other":
            raise RepositoryError(f"'{wanted}' is not in the repository")
        return wanted, b"included A 192.0.2.7\n$TTL 5\n"

    return read_zone(content, path="zone", origin=ORIGIN, include=include, helpers=helpers)


def assert_same(one: Parsed, other: Parsed) -> None:
    assert list(one.zone.rrsets.items()) == list(other.zone.rrsets.items())
    assert one.findings == other.findings
    assert (one.files, one.serial_span, one.serial_position) == (
        other.files,
        other.serial_span,
        other.serial_position,
    )
    for key, rrset in one.zone.rrsets.items():
        assert type(other.zone.rrsets[key]) is type(rrset)
        for rdata in (None, *rrset.rdatas):
            assert one.position(key, rdata) == other.position(key, rdata)


@settings(max_examples=100, deadline=None)
@given(LINES, st.integers(1, 4), st.sampled_from([TOP, TOP.replace("$TTL 3600\n", ""), ""]))
def test_parts_come_to_the_whole(lines: list[str], count: int, top: str) -> None:
    content = (top + "".join(lines)).encode()
    assert_same(read(content), read(content, Here(count)))


def test_every_part_is_taken_where_nothing_speaks_against_it() -> None:
    """Without it the test above would compare one process with itself."""
    lines = [f"h{n} A 192.0.2.{n}\nh{n} MX 10 m{n}\n" for n in range(100)]
    lines[70:70] = ["$TTL 60\n", "$ORIGIN sub\n"]
    helpers = Here(3)
    content = (TOP + "".join(lines)).encode()
    assert_same(read(content), read(content, helpers))
    assert helpers.taken == 3


def test_the_last_ttl_written_is_known_after_a_part() -> None:
    """Without $TTL a record takes it (BIND), and only this process knows it where a part starts."""
    top = TOP.replace("$TTL 3600\n", "").replace("SOA", "60 SOA")
    lines = [f"h{n} {n} A 192.0.2.1\n" for n in range(100)] + [
        f"i{n} A 192.0.2.1\n" for n in range(80)
    ]
    helpers = Here(3)
    content = (top + "".join(lines)).encode()
    parsed = read(content, helpers)
    assert_same(read(content), parsed)
    assert helpers.taken == 2
    assert {one.ttl for one in parsed.zone if one.owner.startswith(b"\3i1")} == {99}


@pytest.mark.parametrize(
    "odd", ["x.net. A 192.0.2.1\n", "o 4294967296 A 192.0.2.1\n", "$GENERATE 1-3 g$ A 192.0.2.$\n"]
)
@pytest.mark.parametrize("before", ["$TTL 60\n$ORIGIN sub\n", "y A 192.0.2.9\n\tMX 10 mail\n"])
def test_a_part_is_taken_up_to_what_asks_for_a_finding(before: str, odd: str) -> None:
    """What follows is read under the owner, origin and TTL that hold there."""
    lines = [f"h{n} A 192.0.2.{n}\n" for n in range(200)]
    lines[150:150] = [before, *("\tA 192.0.2.250\n" for _ in range(8)), odd, "\tTXT after\n"]
    helpers = Here(1)
    content = (TOP + "".join(lines)).encode()
    assert_same(read(content), read(content, helpers))
    assert (helpers.taken, helpers.begun) == (0, 1)


def test_an_rrset_on_both_sides_of_a_cut_is_one() -> None:
    lines = [f"h{n % 7} A 192.0.2.{n % 50}\n" for n in range(200)]
    helpers = Here(1)
    content = (TOP + "".join(lines[:60])).encode()
    assert_same(read(content), read(content, helpers))
    assert helpers.taken == 1
    content = (TOP + "".join(lines)).encode()
    assert_same(read(content), read(content, Here(2)))


def test_processes_read_parts() -> None:
    content = (TOP + "".join(f"h{n} A 192.0.2.{n % 250}\n" for n in range(2000))).encode()
    helpers = Watched(cores=3, least=0)
    assert_same(read(content), read(content, helpers))
    assert [one.pieces for one in helpers.started] == [1, 1]


def test_what_a_process_that_dies_leaves_is_read_all_the_same() -> None:
    content = (TOP + "".join(f"h{n} A 192.0.2.{n % 250}\n" for n in range(2000))).encode()
    helpers = Watched(cores=3, least=0, kill=True)
    assert_same(read(content), read(content, helpers))
    assert [one.pieces for one in helpers.started] == [0, 0]


def test_small_files_are_read_by_one_process() -> None:
    helpers = Watched(cores=2)
    read(TOP.encode(), helpers)
    assert helpers.started == []


class Watched(ReadingProcesses):
    """Real processes, and what they answered."""

    def __init__(self, cores: int, least: int = 1 << 20, kill: bool = False) -> None:
        super().__init__(cores, least)
        self.kill = kill
        self.started: list[WatchedProcess] = []

    def start(self, task: bytes) -> ReadingProcess:
        process = WatchedProcess(task)
        if self.kill:
            process.process.send_signal(signal.SIGKILL)
        self.started.append(process)
        return process


class WatchedProcess(ReadingProcess):
    pieces = -1

    def wait(self) -> Iterator[bytes]:
        self.pieces = 0
        for piece in super().wait():
            self.pieces += 1
            yield piece
