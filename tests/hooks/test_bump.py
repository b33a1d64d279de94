"""`zonecast bump`: serials raised in files, every other octet kept, nothing raised for nothing."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from zones_clone import ENFORCE, NAME, OTHER, Clone, run, zone, zonecast

from zonecast.cli.hooks.serials import Edit, edited


def test_only_changed_zones_and_only_once(enforcing: Clone) -> None:
    """Pitfall: never bump when nothing changed."""
    assert enforcing.zonecast("bump").output.strip() == "no zone needs a new serial"
    enforcing.write(NAME, zone(10, "www A 192.0.2.81"))
    bumped = enforcing.zonecast("bump")
    assert bumped.ok
    assert f"{NAME}: serial 10 → 11" in bumped.output.splitlines()
    assert enforcing.read(NAME) == zone(11, "www A 192.0.2.81")
    assert enforcing.read(OTHER) == zone(20)
    assert enforcing.zonecast("bump").output.strip() == "no zone needs a new serial"


def test_above_a_serial_that_no_commit_has(enforcing: Clone) -> None:
    """What is served may never have been in git: the zones named go above it, changed or not."""
    done = enforcing.zonecast("bump", "--above", "4000000000", NAME, "--policy", "increment")
    assert done.output.strip() == "no zone needs a new serial", "10 is greater (RFC 1982)"
    assert "10 → 2026112107" in enforcing.zonecast("bump", "--above", "2026112106", NAME).output
    assert (enforcing.work_serial(), enforcing.work_serial(OTHER)) == (2026112107, 20)
    assert enforcing.serial() == 2026112107
    assert "no zone" in enforcing.zonecast("bump", "--above", "2026112106", NAME).output
    assert "→ 2026112108" in enforcing.zonecast("bump", "--above", "2026112107", "zones").output
    assert enforcing.work_serial(OTHER) == 2026112108
    for words in (["9"], ["9", NAME, "--against", "HEAD"], ["4294967296", NAME], ["x", NAME]):
        assert enforcing.zonecast("bump", "--above", *words).status == 2
    enforcing.write(NAME, zone(1, "www A 192.0.2.999"))
    broken = enforcing.zonecast("bump", "--above", "9", NAME)
    assert broken.status == 1
    assert enforcing.work_serial() == 1


def test_a_staged_file_is_staged_again(enforcing: Clone) -> None:
    enforcing.stage(NAME, zone(10, "www A 192.0.2.81"))
    assert enforcing.zonecast("bump").ok
    assert enforcing.git("show", f":{NAME}") == zone(11, "www A 192.0.2.81").strip()
    assert enforcing.git("status", "--porcelain") == f"M  {NAME}"
    assert enforcing.commit().ok
    assert enforcing.git("status", "--porcelain") == ""


def test_what_was_held_back_is_not_staged(enforcing: Clone) -> None:
    """Pitfall: `bump` stages the digits it writes, never what was held back."""
    enforcing.stage(NAME, zone(10, "www A 192.0.2.81"))
    held = "; a line\n" + zone(10, "www A 192.0.2.81", "secret A 192.0.2.99")
    enforcing.write(NAME, held)
    enforcing.write("zones/new.example.zone", zone(1))
    assert enforcing.zonecast("bump").ok
    assert enforcing.read(NAME) == held.replace("( 10", "( 11")
    assert enforcing.git("show", f":{NAME}") == zone(11, "www A 192.0.2.81").strip()
    assert enforcing.git("ls-files", "zones/new.example.zone") == "", "what is new stays new"


def test_where_nothing_is_staged_the_serial_is_not(enforcing: Clone) -> None:
    """A refused `git commit -a` leaves the index as it was: the serial of what it refused would
    be raised by the next commit for nothing."""
    enforcing.write(NAME, zone(10, "www A 192.0.2.81"))
    refused = enforcing.try_git("commit", "--all", "--message", "a change")
    assert not refused.ok
    assert "zonecast bump" in refused.output
    bumped = enforcing.zonecast("bump")
    assert bumped.ok
    assert f"{NAME}: not staged" in bumped.output
    assert enforcing.git("diff", "--cached", "--name-only") == ""
    assert enforcing.work_serial() == 11
    assert enforcing.try_git("commit", "--all", "--message", "a change").ok
    assert enforcing.git("show", f"HEAD:{NAME}") == zone(11, "www A 192.0.2.81").strip()
    assert enforcing.zonecast("bump").output.strip() == "no zone needs a new serial"


def test_a_staged_include_raises_the_staged_serial(enforcing: Clone) -> None:
    text = zone(10) + "$INCLUDE common.inc\n"
    enforcing.commit_unchecked({NAME: text, "zones/common.inc": "inc A 192.0.2.1\n"})
    enforcing.write("zones/common.inc", "inc A 192.0.2.2\n")
    assert "not staged" in enforcing.zonecast("bump").output
    assert enforcing.serial() == 10
    enforcing.write(NAME, text)
    enforcing.git("add", "zones/common.inc")
    assert "not staged" not in enforcing.zonecast("bump").output
    assert enforcing.serial() == enforcing.work_serial() == 11


def test_another_serial_in_the_index_is_left_alone(enforcing: Clone) -> None:
    enforcing.stage(NAME, zone(55, "www A 192.0.2.81"))
    enforcing.write(NAME, zone(10, "www A 192.0.2.82"))
    assert enforcing.zonecast("bump").ok
    assert (enforcing.work_serial(), enforcing.serial()) == (11, 55)


def test_a_policy_below_the_top_and_line_ends_that_git_converts(enforcing: Clone) -> None:
    """The index holds LF, the work tree CRLF: each keeps its own."""
    enforcing.git("config", "core.autocrlf", "true")
    enforcing.commit_unchecked({"dns/zonecast.toml": ENFORCE, "dns/example.org.zone": zone(10)})
    crlf = zone(10, "www A 192.0.2.81").replace("\n", "\r\n")
    enforcing.write("dns/example.org.zone", crlf)
    enforcing.git("add", "dns")
    assert enforcing.zonecast("bump", "dns").ok
    assert enforcing.read("dns/example.org.zone") == crlf.replace("( 10", "( 11")
    blob = run(enforcing.path, "git", "cat-file", "blob", ":dns/example.org.zone").output
    assert blob == zone(11, "www A 192.0.2.81")


def test_with_conflicts_open_only_files_are_bumped(enforcing: Clone) -> None:
    enforcing.git("branch", "other")
    enforcing.commit_unchecked({"README": "ours", NAME: zone(11, "www A 192.0.2.81")})
    enforcing.git("checkout", "--quiet", "other")
    enforcing.commit_unchecked({"README": "theirs"})
    assert not enforcing.try_git("merge", "main").ok
    enforcing.write(NAME, zone(11, "www A 192.0.2.82"))
    bumped = enforcing.zonecast("bump")
    assert bumped.ok, bumped.output
    assert "not staged" in bumped.output
    assert (enforcing.work_serial(), enforcing.serial()) == (12, 11)


def test_paths_choose(enforcing: Clone) -> None:
    for path, serial in ((NAME, 10), (OTHER, 20)):
        enforcing.write(path, zone(serial, "www A 192.0.2.81"))
    assert enforcing.zonecast("bump", OTHER).ok
    assert (enforcing.work_serial(), enforcing.work_serial(OTHER)) == (10, 21)
    inside = zonecast(enforcing.path / "zones", "bump", "example.com.zone")
    assert "example.com.zone: serial 10 → 11" in inside.output.splitlines()
    assert enforcing.zonecast("bump", "zones/nowhere.zone").status == 2


def test_an_include_chooses_those_who_include_it(enforcing: Clone) -> None:
    enforcing.commit_unchecked(
        {"a.inc": "@ MX 10 mx.example.org.\n", NAME: zone(10, "$INCLUDE a.inc")}
    )
    enforcing.write("a.inc", "@ MX 20 mx.example.org.\n")
    enforcing.write(OTHER, zone(20, "www A 192.0.2.81"))
    assert enforcing.zonecast("bump", "a.inc").ok
    assert (enforcing.work_serial(), enforcing.work_serial(OTHER)) == (11, 20)


@pytest.mark.parametrize("numbers", ["increment", "date", "unixtime"])
def test_the_number_can_be_chosen(enforcing: Clone, numbers: str) -> None:
    enforcing.write(NAME, zone(10, "www A 192.0.2.81"))
    before = time.time()
    assert enforcing.zonecast("bump", "--policy", numbers).ok
    serial = enforcing.work_serial()
    if numbers == "increment":
        assert serial == 11
    elif numbers == "unixtime":
        assert before - 1 <= serial <= time.time()
    else:
        assert serial % 100 == 0
        assert len(str(serial)) == 10


def test_above_heads_and_the_files_own(enforcing: Clone) -> None:
    """Pitfall: the next serial is above HEAD's and the file's own."""
    enforcing.write(NAME, zone(4, "www A 192.0.2.81"))
    assert enforcing.zonecast("bump").ok
    assert enforcing.work_serial() == 11
    enforcing.write(NAME, zone(10 + 2**31, "www A 192.0.2.81"))
    assert enforcing.zonecast("bump").ok
    assert enforcing.work_serial() == 11


def test_without_a_commit_there_is_nothing_to_raise(tmp_path: Path) -> None:
    clone = Clone(tmp_path)
    clone.git("init", "--quiet")
    clone.write(NAME, zone(5))
    assert clone.zonecast("bump").output.strip() == "no zone needs a new serial"
    assert clone.work_serial() == 5


def test_what_cannot_be_read_is_left_alone_and_named(enforcing: Clone) -> None:
    broken = zone(10, "www A 192.0.2.999")
    enforcing.write(NAME, broken)
    enforcing.write(OTHER, zone(20, "www A 192.0.2.81"))
    done = enforcing.zonecast("bump")
    assert done.status == 1
    assert f"{NAME}:7:" in done.output
    assert enforcing.read(NAME) == broken
    assert enforcing.work_serial(OTHER) == 21


def test_nothing_is_written_that_could_not_be_read(enforcing: Clone) -> None:
    """The SOA twice is one record; with one of the two raised it would be two."""
    soa, rest = zone(10).split("@ IN NS", 1)
    twice = soa + soa.partition("\n")[2] + "@ IN NS" + rest
    enforcing.commit_unchecked({NAME: twice})
    enforcing.write(NAME, twice + "www A 192.0.2.81\n")
    enforcing.write(OTHER, zone(20, "www A 192.0.2.81"))
    done = enforcing.zonecast("bump")
    assert done.status == 1
    assert f"{NAME}:4:" in done.output
    assert "2 SOA records" in done.output
    assert "nothing was written" in done.output
    assert enforcing.read(NAME) == twice + "www A 192.0.2.81\n"
    assert enforcing.work_serial(OTHER) == 20


def test_a_managed_zone_keeps_its_serial(enforcing: Clone) -> None:
    enforcing.commit_unchecked({"zonecast.toml": '[serial]\nmode = "managed"\n'})
    enforcing.write(NAME, zone(10, "www A 192.0.2.81"))
    assert "the agent assigns" in enforcing.zonecast("bump", NAME).output
    assert enforcing.work_serial() == 10


def test_a_file_is_replaced_whole(enforcing: Clone) -> None:
    file = enforcing.path / NAME
    enforcing.write(NAME, zone(10, "www A 192.0.2.81"))
    file.chmod(0o640)
    before = file.stat()
    with file.open("rb") as reader:
        assert enforcing.zonecast("bump").ok
        assert reader.read().decode() == zone(10, "www A 192.0.2.81"), "a reader sees one version"
    after = file.stat()
    assert (after.st_mode, after.st_uid) == (before.st_mode, before.st_uid)
    assert sorted(path.name for path in file.parent.iterdir()) == [
        "example.com.zone",
        "example.net.zone",
    ]


def test_outside_git_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "example.com.zone").write_text(zone(1))
    done = zonecast(tmp_path, "bump")
    assert done.status == 3
    assert "not in a git repository" in done.output


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    content=st.one_of(
        st.binary(max_size=200),
        st.text(alphabet='@ \t\n();"\\$10SOAINns.', max_size=120).map(str.encode),
    )
)
def test_any_octets_leave_the_file_or_a_zone(enforcing: Clone, content: bytes) -> None:
    enforcing.write(NAME, content)
    done = enforcing.zonecast("bump", NAME)
    assert "Traceback" not in done.output
    assert done.status in (0, 1)
    assert (enforcing.path / NAME).read_bytes() == content


@given(
    parts=st.lists(st.binary(max_size=20), min_size=2, max_size=5),
    serials=st.lists(st.integers(0, 2**32 - 1), min_size=4, max_size=4),
)
def test_edits_touch_nothing_else(parts: list[bytes], serials: list[int]) -> None:
    content, edits = parts[0], []
    for number, part in enumerate(parts[1:]):
        old = b"%d" % serials[number]
        start = len(content)
        edits.append(Edit("x", start, start + len(old), serials[number], serials[-number - 1]))
        content += old + part
    expected = parts[0] + b"".join(
        b"%d" % edit.serial + part for edit, part in zip(edits, parts[1:], strict=True)
    )
    assert edited(content, edits) == expected
