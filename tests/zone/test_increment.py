"""A zone file's next version, read only where it differs, is the version read as a whole."""

from __future__ import annotations

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from zonecast.zone import names
from zonecast.zone.changeset import Changeset, diff
from zonecast.zone.findings import errors
from zonecast.zone.rrset import RRset, Zone, node_of
from zonecast.zone.zonefile import read_zone
from zonecast.zone.zonefile.hunks import hunks
from zonecast.zone.zonefile.increment import Step, read_step

ORIGIN = names.from_text("example.com.")
PATH = "example.com.zone"

HEAD = """\
$TTL 300
@ IN SOA ns1 hostmaster ( 1 ; serial
    7200 3600 1209600 300 )
  NS ns1
ns1 A 192.0.2.1
"""


def whole(text: bytes) -> Zone | None:
    """The version read as a whole; None where it has errors."""
    parsed = read_zone(text, path=PATH, origin=ORIGIN, include=None)
    return None if errors(parsed.findings) else parsed.zone


def step_of(old: bytes, new: bytes) -> Step | None:
    return read_step(old, new, path=PATH, origin=ORIGIN)


def by_step(step: Step, old: Zone) -> Changeset:
    def node(wanted: bytes) -> dict[bytes, RRset]:
        return {key: rrset for key, rrset in old.rrsets.items() if node_of(key) == wanted}

    return step.changeset(node)


OWNERS = st.sampled_from(
    [
        "www",
        "WWW",
        "www.example.com.",
        "a",
        "b.a",
        "B.a.EXAMPLE.com.",
        "@",
        "example.com.",
        "*",
        "  ",
        "\t",
        "_sip._tcp.www",
        "w\\119w",
        "exam",
        "www.a",
        "other.net.",
        "(",
        '"www"',
        "ho;st",
    ]
)
DATA = st.sampled_from(
    [
        "A 192.0.2.1",
        "A 192.0.2.2",
        "300 IN A 192.0.2.3",
        "60 A 192.0.2.3",
        "IN AAAA ::1",
        "MX 10 www",
        "MX 10 WWW",
        'TXT "a(b"',
        'TXT "a;b" "c"',
        "TXT ( one",
        ") TXT ( two )",
        "TXT a\\;b",
        "TYPE4711 \\# 1 00",
        "A 192.0.2.1 ; comment (",
        "CNAME",
        "A ( 192.0.2.9 )",
    ]
)
OTHERS = st.sampled_from(
    [
        "",
        "; comment",
        "   ; blank",
        "  two )",
        ")",
        "www )",
        "$TTL 600",
        "$ORIGIN example.com.",
        "$ORIGIN a",
        "$INCLUDE other",
        "$GENERATE 1-2 h$ A 192.0.2.$",
        "\r",
        '"',
        "\\",
    ]
)
RECORDS = st.builds("{} {}".format, OWNERS, DATA)
LINES = st.one_of(RECORDS, RECORDS, RECORDS, OTHERS)
PLAIN = st.builds(
    "{} {}".format,
    st.sampled_from(["www", "WWW.example.com.", "a", "b.a", "@", " ", "www.a"]),
    st.sampled_from(["A 192.0.2.1", "60 A 192.0.2.2", "MX 10 www", 'TXT "a b"', "TXT ( x\n y )"]),
)


@st.composite
def versions(draw: st.DrawFn, line: st.SearchStrategy[str]) -> tuple[bytes, bytes]:
    """A zone file and an edit of it: some lines gone, some come, the serial mostly raised."""
    lines = draw(st.lists(line, max_size=25))
    edited = list(lines)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(edited)))
        edited[at : at + draw(st.integers(0, 2))] = draw(st.lists(line, max_size=2))
    raised = HEAD.replace("1 ;", draw(st.sampled_from(["2 ;", "1 ;", "10 ; new"])))
    end = draw(st.sampled_from(["\n", "", "\r\n"]))
    feed = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    return (
        (HEAD + feed.join(lines) + end).encode(),
        (raised + feed.join(edited) + end).encode(),
    )


def agrees(old: bytes, new: bytes) -> None:
    before, after = whole(old), whole(new)
    step = step_of(old, new)
    event(f"step: {step is not None}, whole: {before is not None and after is not None}")
    if before is None or step is None:
        return  # the last version has errors, so no step is taken from it; or it is not safe
    assert after is not None, "a step leads to a version with errors"
    changeset = by_step(step, before)
    assert changeset == diff(before, after)
    for key, rrset in step.parsed.zone.rrsets.items():
        assert after.rrsets[key] == rrset
    assert all(
        key in step.parsed.zone.rrsets for key in after.rrsets if node_of(key) in step.touched
    )


@given(versions(LINES))
@settings(max_examples=200)
def test_a_step_is_what_reading_both_versions_gives(texts: tuple[bytes, bytes]) -> None:
    agrees(*padded(*texts))


@given(versions(PLAIN))
@settings(max_examples=150)
def test_a_step_between_ordinary_versions(texts: tuple[bytes, bytes]) -> None:
    agrees(*padded(*texts))


def padded(old: bytes, new: bytes) -> tuple[bytes, bytes]:
    """With so many other records in front that the edit is a small part of the file."""
    filling = b"".join(b"filling%d A 198.51.100.%d\n" % (n, n % 250) for n in range(300))
    head = len(HEAD)
    at = new.index(b"ns1 A 192.0.2.1")
    return old[: head - 16] + filling + old[head - 16 :], new[:at] + filling + new[at:]


BASE = padded((HEAD + "www A 192.0.2.5\n  MX 10 mail\nmail A 192.0.2.6\n").encode(), HEAD.encode())[
    0
]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("www A 192.0.2.5", "www A 192.0.2.99"),
        ("www A 192.0.2.5\n", "other A 192.0.2.5\n"),  # the MX record changes its owner
        ("  MX 10 mail\n", ""),
        ("www A 192.0.2.5\n  MX 10 mail\n", ""),
        ("mail A 192.0.2.6\n", "mail A 192.0.2.6\nmail A 192.0.2.7\nWWW TXT ( a\n b )\n"),
        ("filling7 A", "FILLING7.example.com. 60 A"),
        ("", ""),
    ],
)
def test_an_ordinary_edit_is_read_as_a_step(old: str, new: str) -> None:
    edited = BASE.replace(b"( 1 ;", b"( 2 ;").replace(old.encode(), new.encode())
    assert old.encode() in BASE
    before, after = whole(BASE), whole(edited)
    step = step_of(BASE, edited)
    assert step is not None
    assert before is not None
    assert after is not None
    assert by_step(step, before) == diff(before, after)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("$TTL 300", "$TTL 301"),
        ("www A", "$ORIGIN sub\nwww A"),
        ("www A", "$INCLUDE more.inc\nwww A"),
        ("www A", "$GENERATE 1-3 host$ A 192.0.2.$\nwww A"),
        ("www A", "w\\119w A"),
        ("www A 192.0.2.5", "www A 192.0.2.500"),
        ("www A 192.0.2.5", "www A ( 192.0.2.5"),
        ("www A 192.0.2.5", "www A 192.0.2.5 ; zonecast: ignore=dangling-target"),
    ],
)
def test_what_bears_on_more_than_its_own_lines_is_read_as_a_whole(old: str, new: str) -> None:
    edited = BASE.replace(b"( 1 ;", b"( 2 ;").replace(old.encode(), new.encode())
    assert step_of(BASE, edited) is None


def test_an_entry_that_goes_on_to_another_edit_takes_what_is_between() -> None:
    between = "".join(f"host{number} A 192.0.2.{number}\n" for number in range(20, 30))
    parts = (
        BASE.replace(b"( 1 ;", b"( 2 ;"),
        b'text TXT "a"\n',
        b'text TXT ( "a"\n',
        between.encode(),
        b'last TXT "z"\n',
        b'last TXT "z" )\n',
    )
    closed = BASE + parts[1] + parts[3] + parts[4]
    opened = parts[0] + parts[2] + parts[3] + parts[5]
    for old, new in ((closed, opened), (opened, closed)):
        before, after = whole(old), whole(new)
        step = step_of(old, new)
        assert before is not None
        assert after is not None
        assert step is not None
        assert by_step(step, before) == diff(before, after)


def test_a_record_that_is_there_twice_stays_when_one_goes() -> None:
    twice = BASE + b"WWW.example.com. A 192.0.2.5\n"
    edited = twice.replace(b"( 1 ;", b"( 2 ;").replace(b"www A 192.0.2.5\n", b"www A 192.0.2.7\n")
    before = whole(twice)
    step = step_of(twice, edited)
    assert step is not None
    assert before is not None
    changeset = by_step(step, before)
    assert changeset.deleted == ()
    assert [rrset.rdatas for rrset in changeset.added] == [(bytes((192, 0, 2, 7)),)]


@given(st.lists(st.sampled_from("abc"), max_size=60), st.data())
def test_hunks_lead_from_one_text_to_the_other(words: list[str], data: st.DataObject) -> None:
    edited = list(words)
    for _ in range(data.draw(st.integers(0, 5))):
        at = data.draw(st.integers(0, len(edited)))
        edited[at : at + data.draw(st.integers(0, 3))] = data.draw(st.lists(st.sampled_from("abd")))
    ends = data.draw(st.sampled_from(["\n", ""]))
    old, new = ("\n".join(lines).encode() + ends.encode() for lines in (words, edited))
    found = hunks(old, new, 1 << 20)
    assert found is not None
    rebuilt, at = b"", 0
    for hunk in found:
        assert hunk.old_start == 0 or old[hunk.old_start - 1 : hunk.old_start] == b"\n"
        rebuilt += old[at : hunk.old_start] + new[hunk.new_start : hunk.new_end]
        at = hunk.old_end
    assert rebuilt + old[at:] == new


def test_texts_that_part_for_long_have_no_hunks() -> None:
    old = b"".join(b"line %d\n" % number for number in range(20_000))
    assert hunks(old, b"".join(b"other %d\n" % number for number in range(20_000)), 1 << 30) is None
    assert hunks(old, old.replace(b"line 7\n", b"line seven\n"), 5) is None
