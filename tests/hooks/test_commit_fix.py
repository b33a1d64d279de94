"""Mode `fix`: the hook raises the serial, in the index and in the file, and stages nothing else."""

from __future__ import annotations

import re
import time

import pytest
from zones_clone import NAME, OTHER, Clone, zone


def test_the_serial_is_raised_in_commit_and_file(fixing: Clone) -> None:
    fixing.stage(NAME, zone(10, "www A 192.0.2.81"))
    done = fixing.commit()
    assert done.ok, done.output
    assert f"{NAME}: serial 10 → 11" in done.output
    assert fixing.git("show", f"HEAD:{NAME}") == zone(11, "www A 192.0.2.81").strip()
    assert fixing.read(NAME) == zone(11, "www A 192.0.2.81")
    assert fixing.git("status", "--porcelain") == ""
    assert fixing.serial("HEAD", OTHER) == 20


def test_commit_all(fixing: Clone) -> None:
    fixing.write(NAME, zone(10, "www A 192.0.2.81"))
    fixing.write(OTHER, zone(20, "www A 192.0.2.81"))
    done = fixing.try_git("commit", "--quiet", "--all", "-m", "both")
    assert done.ok, done.output
    assert (fixing.serial("HEAD"), fixing.serial("HEAD", OTHER)) == (11, 21)
    assert (fixing.work_serial(), fixing.work_serial(OTHER)) == (11, 21)
    assert fixing.git("status", "--porcelain") == ""


def test_a_backward_serial_is_raised_above_the_old_one(fixing: Clone) -> None:
    fixing.stage(NAME, zone(3, "www A 192.0.2.81"))
    assert fixing.commit().ok
    assert fixing.serial("HEAD") == 11


def test_a_serial_raised_by_hand_is_left_alone(fixing: Clone) -> None:
    fixing.stage(NAME, zone(77, "www A 192.0.2.81"))
    assert fixing.commit().ok
    assert fixing.serial("HEAD") == 77


def test_nothing_is_raised_where_nothing_changed(fixing: Clone) -> None:
    """Pitfall: never bump when nothing changed."""
    fixing.stage(NAME, "; a comment\n" + zone(10, "www A 192.0.2.80"))
    done = fixing.commit()
    assert done.ok
    assert fixing.serial("HEAD") == 10


def test_what_was_held_back_stays_held_back(fixing: Clone) -> None:
    """Pitfall: the index's blob and the work file's digits are edited apart, never by `git add`,
    which would stage what the person held back."""
    fixing.stage(NAME, zone(10, "www A 192.0.2.81"))
    # Not staged: another record in this file, above the serial too, and another file.
    held = "; line\n" * 3 + zone(10, "www A 192.0.2.81", "secret A 192.0.2.99")
    fixing.write(NAME, held)
    fixing.write(OTHER, zone(20, "secret A 192.0.2.99"))
    done = fixing.commit()
    assert done.ok, done.output
    assert fixing.git("show", f"HEAD:{NAME}") == zone(11, "www A 192.0.2.81").strip()
    assert fixing.read(NAME) == held.replace("( 10", "( 11")
    assert fixing.read(OTHER) == zone(20, "secret A 192.0.2.99")
    assert fixing.git("status", "--porcelain").split("\n") == [f"M {NAME}", f" M {OTHER}"]


def test_a_file_with_another_serial_than_the_staged_one_is_left_alone(fixing: Clone) -> None:
    fixing.stage(NAME, zone(10, "www A 192.0.2.81"))
    fixing.write(NAME, zone(55, "www A 192.0.2.82"))
    assert fixing.commit().ok
    assert fixing.serial("HEAD") == 11
    assert fixing.read(NAME) == zone(55, "www A 192.0.2.82")


@pytest.mark.parametrize("kind", ["removed", "symlink", "broken", "emptied"])
def test_a_file_that_is_no_longer_there_is_no_trouble(fixing: Clone, kind: str) -> None:
    fixing.stage(NAME, zone(10, "www A 192.0.2.81"))
    file = fixing.path / NAME
    file.unlink()
    if kind == "symlink":
        file.symlink_to("example.net.zone")
    elif kind == "broken":
        file.write_bytes(b"\x00 not ( a zone")
    elif kind == "emptied":
        file.touch()
    done = fixing.commit()
    assert done.ok, done.output
    assert fixing.serial("HEAD") == 11
    assert fixing.read(OTHER) == zone(20)
    left = {"broken": b"\x00 not ( a zone", "emptied": b""}
    assert kind not in left or file.read_bytes() == left[kind]


def test_mode_and_line_ends_are_kept(fixing: Clone) -> None:
    content = zone(10, "www A 192.0.2.81").replace("\n", "\r\n")
    fixing.write(NAME, content)
    (fixing.path / NAME).chmod(0o755)
    fixing.git("add", NAME)
    assert fixing.commit().ok
    assert (fixing.path / NAME).stat().st_mode & 0o777 == 0o755
    assert fixing.read(NAME) == content.replace("( 10", "( 11")
    assert fixing.git("ls-tree", "HEAD", NAME).startswith("100755")


def test_line_ends_that_git_converts(fixing: Clone) -> None:
    fixing.stage(".gitattributes", "*.zone text eol=crlf\n")
    fixing.stage(NAME, zone(10, "www A 192.0.2.81").replace("\n", "\r\n"))
    done = fixing.commit()
    assert done.ok, done.output
    assert fixing.git("show", f"HEAD:{NAME}") == zone(11, "www A 192.0.2.81").strip()
    assert fixing.read(NAME) == zone(11, "www A 192.0.2.81").replace("\n", "\r\n")
    assert fixing.git("status", "--porcelain") == ""


def test_all_or_nothing(fixing: Clone) -> None:
    fixing.stage(NAME, zone(10, "www A 192.0.2.81"))
    fixing.stage(OTHER, zone(20, "www A 192.0.2.999"))
    refused = fixing.commit()
    assert refused.status == 1
    assert f"{OTHER}:7:" in refused.output
    assert fixing.serial() == 10
    assert fixing.read(NAME) == zone(10, "www A 192.0.2.81")


def test_commit_of_named_files_acts_as_enforce(fixing: Clone) -> None:
    """Pitfall: `git commit -- FILE` uses a temporary index: raising a serial in it would part
    HEAD from the index that stays, so it is refused instead."""
    fixing.write(NAME, zone(10, "www A 192.0.2.81"))
    refused = fixing.try_git("commit", "--quiet", "-m", "one file", "--", NAME)
    assert refused.status == 1
    assert "[serial-not-raised]" in refused.output
    assert fixing.work_serial() == 10
    assert fixing.zonecast("bump").ok
    assert fixing.try_git("commit", "--quiet", "-m", "one file", "--", NAME).ok
    assert fixing.git("status", "--porcelain") == ""


def test_a_new_serial_follows_the_policy(fixing: Clone) -> None:
    """Pitfall: date serials go on past nn = 99, and unixtime after date counts on."""
    fixing.stage("zonecast.toml", '[serial]\npolicy = "date"\n')
    fixing.stage(NAME, zone(10, "www A 192.0.2.81"))
    before = time.strftime("%Y%m%d", time.gmtime())
    assert fixing.commit().ok
    after = time.strftime("%Y%m%d", time.gmtime())
    assert str(fixing.serial("HEAD")) in {f"{before}00", f"{after}00"}
    # Beyond nn = 99 it counts on, into the next day's numbers.
    fixing.commit_unchecked({NAME: zone(int(f"{after}99"), "www A 192.0.2.82")})
    fixing.stage(NAME, zone(int(f"{after}99"), "www A 192.0.2.83"))
    assert fixing.commit().ok
    assert fixing.serial("HEAD") == int(f"{after}99") + 1
    # From date to unixtime would go down: one more it is.
    fixing.stage("zonecast.toml", '[serial]\npolicy = "unixtime"\n')
    fixing.stage(NAME, zone(int(f"{after}99") + 1, "www A 192.0.2.84"))
    assert fixing.commit().ok
    assert fixing.serial("HEAD") == int(f"{after}99") + 2


@pytest.mark.parametrize(("serial", "after"), [(2**32 - 1, 1), (2**31 - 1, 2**31)])
def test_serials_wrap_and_skip_zero(fixing: Clone, serial: int, after: int) -> None:
    fixing.commit_unchecked({NAME: zone(serial, "www A 192.0.2.81")})
    fixing.stage(NAME, zone(serial, "www A 192.0.2.82"))
    assert fixing.commit().ok
    assert fixing.serial("HEAD") == after


def test_a_zone_of_its_own_mode(fixing: Clone) -> None:
    policy = fixing.read("zonecast.toml")
    fixing.stage(
        "zonecast.toml",
        policy
        + '[zone."example.com"]\nserial.mode = "managed"\n'
        + '[zone."example.net"]\nserial.mode = "enforce"\n',
    )
    fixing.stage(NAME, zone(3, "www A 192.0.2.81"))
    done = fixing.commit()
    assert done.ok, done.output
    assert fixing.serial("HEAD") == 3
    fixing.stage(OTHER, zone(20, "www A 192.0.2.81"))
    assert "[serial-not-raised]" in fixing.commit().output


@pytest.mark.parametrize(
    "soa",
    [
        "@ IN SOA ns1 hostmaster 10 7200 900 1209600 300",
        "@ IN SOA ns1 hostmaster (10 7200 900 1209600 300)",
        "@ 3600 IN SOA (\n ns1 ; 10 is not it\n hostmaster\n10\n7200 900 1209600 300)",
        "@ IN SOA 10 10 10 10 10 10 10",
        "@ IN SOA ns1 hostmaster ( 0000000010 7200 900 1209600 300 )",
        '@ SOA ns1 hostmaster\t10\t7200 900 1209600 300 ; "10 (',
    ],
)
def test_only_the_serials_digits_change(fixing: Clone, soa: str) -> None:
    rest = "\n@ NS ns1\nns1 A 192.0.2.1\n10 A 192.0.2.10\n"
    fixing.commit_unchecked({NAME: f"$TTL 3600\n{soa}{rest}"})
    fixing.stage(NAME, f"$TTL 3600\n{soa}{rest}new A 192.0.2.2\n")
    done = fixing.commit()
    assert done.ok, done.output
    before, after = f"$TTL 3600\n{soa}{rest}new A 192.0.2.2\n", fixing.read(NAME)
    places = list(re.finditer(r"\b0*10\b", before))
    candidates = {before[: m.start()] + "11" + before[m.end() :] for m in places}
    assert after in candidates
    assert fixing.git("show", f"HEAD:{NAME}") == after.strip()
    # And it is the serial: the step is a step, and no other record changed.
    check = fixing.zonecast("diff", "HEAD~1", "HEAD")
    assert check.ok
    assert "10 → 11" in check.output or "10 -> 11" in check.output, check.output


def test_the_frameworks_hook_sees_no_change_of_its_own(fixing: Clone) -> None:
    """pre-commit (the framework) refuses when a hook leaves `git diff` other than it was."""
    fixing.stage(NAME, zone(10, "www A 192.0.2.81"))
    before = fixing.git("diff")
    done = fixing.zonecast("hook", "pre-commit")
    assert done.ok, done.output
    assert fixing.git("diff") == before
    assert fixing.serial() == 11
