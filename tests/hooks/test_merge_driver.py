"""The merge driver: a serial never conflicts, everything else does as git would have it."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from zones_clone import ENFORCE, NAME, OTHER, Clone, zone

from zonecast.cli.hooks.merge import Sides, merge_zone
from zonecast.errors import RepositoryError
from zonecast.repository import Repository

WWW = "www A 192.0.2.80"
FILL = [f"host{number} A 192.0.2.{number}" for number in range(10, 20)]


def _branches(clone: Clone, base: str, ours: str, theirs: str, path: str = NAME) -> None:
    """`main` holds `ours`, `other` holds `theirs`, both made from `base`; `main` is out."""
    clone.commit_unchecked({path: base})
    clone.git("branch", "other")
    clone.commit_unchecked({path: ours}, "ours")
    clone.git("checkout", "--quiet", "other")
    clone.commit_unchecked({path: theirs}, "theirs")
    clone.git("checkout", "--quiet", "main")


def _both(serial: int, *, first: bool = True, last: bool = True) -> str:
    return zone(
        serial,
        WWW,
        *(["ours A 192.0.2.2"] if first else []),
        *FILL,
        *(["theirs A 192.0.2.3"] if last else []),
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "merged"), [(12, 12, 13), (15, 12, 16), (12, 2012, 2013)]
)
def test_both_sides_records_and_a_serial_above_both(
    enforcing: Clone, ours: int, theirs: int, merged: int
) -> None:
    """Pitfall: merges conflict in the serial's line: both sides' records are taken, and a serial
    above every parent's."""
    _branches(
        enforcing,
        _both(11, first=False, last=False),
        _both(ours, last=False),
        _both(theirs, first=False),
    )
    done = enforcing.try_git("merge", "--no-edit", "other")
    assert done.ok, done.output
    assert f"zonecast: {NAME}: serial {merged}" in done.output
    assert enforcing.read(NAME) == _both(merged)
    assert enforcing.git("show", f"HEAD:{NAME}") == _both(merged).strip()
    assert enforcing.git("status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("soa", "ending"),
    [
        ("@ IN SOA ns1 hostmaster {} 7200 900 1209600 300", "\n"),
        ("@ 3600 SOA ns1 hostmaster (\n\t\t{}\t; 11, 12\n\t\t7200 900\n 1209600 300 )", "\r\n"),
        ('@ SOA ns1 hostmaster\t000{}\t7200 900 1209600 300 ; "12 (', "\n"),
    ],
    ids=["one-line", "parentheses-crlf", "zeros"],
)
def test_layout_and_line_ends_stay(enforcing: Clone, soa: str, ending: str) -> None:
    def text(serial: str, *records: str) -> str:
        lines = ["$TTL 3600", soa.format(serial), "@ NS ns1", "ns1 A 192.0.2.1", *records, ""]
        return "\n".join(lines).replace("\n", ending)

    first, last = "a A 192.0.2.2", "z A 192.0.2.3"
    _branches(enforcing, text("11", *FILL), text("12", first, *FILL), text("12", *FILL, last))
    done = enforcing.try_git("merge", "--no-verify", "--no-edit", "other")
    assert done.ok, done.output
    expected = text("13", first, *FILL, last)
    assert enforcing.read(NAME).replace("00013", "13") == expected.replace("00013", "13")


def test_the_same_record_changed_differently_is_a_conflict(enforcing: Clone) -> None:
    _branches(
        enforcing,
        zone(11, WWW),
        zone(12, "www A 192.0.2.81"),
        zone(12, "www A 192.0.2.82"),
    )
    done = enforcing.try_git("merge", "--no-edit", "other")
    assert not done.ok
    content = enforcing.read(NAME)
    assert re.search(
        r"^<{7} .*\nwww A 192.0.2.81\n={7}\nwww A 192.0.2.82\n>{7} .*\n", content, re.MULTILINE
    ), content
    assert content.startswith(zone(13)), "the serial is no part of the conflict"
    assert not enforcing.commit().ok
    enforcing.stage(NAME, zone(13, "www A 192.0.2.82"))
    assert enforcing.commit().ok


def test_what_one_side_alone_bumped_is_not_served_under_its_serial(enforcing: Clone) -> None:
    """Their serial was published with the old records: it cannot be the merge's."""
    _branches(enforcing, zone(11, WWW), zone(12, "www A 192.0.2.81"), zone(14, WWW))
    assert enforcing.try_git("merge", "--no-edit", "other").ok
    assert enforcing.read(NAME) == zone(15, "www A 192.0.2.81")


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    sides=st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.text(alphabet='@ \t\n();"\\$10SOAINns.', max_size=80).map(str.encode),
            st.integers(0, 2**33).map(lambda serial: zone(serial, WWW).encode()),
        ),
        min_size=3,
        max_size=3,
    )
)
def test_any_octets_are_merged_or_refused(enforcing: Clone, sides: list[bytes]) -> None:
    repository = Repository.open(enforcing.path)
    if any(b"\0" in side for side in sides):
        with pytest.raises(RepositoryError, match="binary"):
            merge_zone(repository, NAME, Sides(*sides), 7, 0.0)
        return
    merged = merge_zone(repository, NAME, Sides(*sides), 7, 0.0)
    assert b"zonecast-serial" not in merged.content
    assert merged.clean == (b"<<<<<<<" not in merged.content)


def test_serials_that_do_not_compare_stay_a_conflict(enforcing: Clone) -> None:
    _branches(
        enforcing, _both(11, first=False, last=False), _both(12, last=False),
        _both(12 + 2**31, first=False),
    )  # fmt: skip
    assert not enforcing.try_git("merge", "--no-edit", "other").ok
    assert "<<<<<<<" in enforcing.read(NAME)


def test_serials_wrap(enforcing: Clone) -> None:
    _branches(
        enforcing, _both(2**32 - 3, first=False, last=False), _both(2**32 - 1, last=False),
        _both(2**32 - 2, first=False),
    )  # fmt: skip
    done = enforcing.try_git("merge", "--no-edit", "other")
    assert done.ok, done.output
    assert enforcing.read(NAME) == _both(1)


def test_managed_zones_keep_the_greatest(enforcing: Clone) -> None:
    enforcing.commit_unchecked({"zonecast.toml": ENFORCE.replace("enforce", "managed")})
    _branches(
        enforcing, _both(11, first=False, last=False), _both(12, last=False), _both(14, first=False)
    )
    assert enforcing.try_git("merge", "--no-edit", "other").ok
    assert enforcing.read(NAME) == _both(14)


@pytest.mark.parametrize("command", ["rebase", "cherry-pick"])
def test_rebase_and_cherry_pick(enforcing: Clone, command: str) -> None:
    """Neither runs a hook; the driver runs in both."""
    _branches(
        enforcing, _both(11, first=False, last=False), _both(15, last=False), _both(12, first=False)
    )
    if command == "rebase":
        enforcing.git("checkout", "--quiet", "other")
        done = enforcing.try_git("rebase", "main")
    else:
        done = enforcing.try_git("cherry-pick", "other")
    assert done.ok, done.output
    assert enforcing.git("show", f"HEAD:{NAME}") == _both(16).strip()


def test_a_file_that_both_branches_made(enforcing: Clone) -> None:
    path = "zones/sub dir/-new.example.zone"
    enforcing.commit_unchecked(
        {"zonecast.toml": ENFORCE + '[origins]\n"b [x].txt" = "b.example"\n'}
    )
    enforcing.git("branch", "other")
    for name in (path, "b [x].txt"):
        enforcing.stage(name, zone(12, WWW))
    assert enforcing.zonecast("hook", "install").ok, "the policy's new file is named too"
    enforcing.commit_unchecked({})
    enforcing.git("checkout", "--quiet", "other")
    enforcing.commit_unchecked({path: zone(13, WWW), "b [x].txt": zone(14, WWW)})
    enforcing.git("checkout", "--quiet", "main")
    done = enforcing.try_git("merge", "--no-edit", "other")
    assert done.ok, done.output
    assert enforcing.read("b [x].txt") == zone(14, WWW), "one content: the greater serial will do"
    assert enforcing.read(path) == zone(13, WWW)


def test_what_is_no_zone_is_merged_as_ever(enforcing: Clone) -> None:
    lines = [f"nonsense {number} (\n" for number in range(9)]
    _branches(enforcing, "".join(lines), "".join(["a\n", *lines]), "".join([*lines, "z\n"]), OTHER)
    done = enforcing.try_git("merge", "--no-verify", "--no-edit", "other")
    assert done.ok, done.output
    assert enforcing.read(OTHER) == "".join(["a\n", *lines, "z\n"])
    enforcing.commit_unchecked({OTHER: "\0binary\0" + zone(1)})
    enforcing.git("checkout", "--quiet", "other")
    enforcing.commit_unchecked({OTHER: "\0other\0" + zone(2)})
    clash = enforcing.try_git("merge", "--no-edit", "main")
    assert not clash.ok
    assert "CONFLICT" in clash.output
    assert "Traceback" not in clash.output


def test_without_the_interpreter_git_merges(enforcing: Clone) -> None:
    driver = enforcing.git("config", "merge.zonecast.driver")
    enforcing.git(
        "config", "merge.zonecast.driver", re.sub(r"/\S*python[\d.]*", "/nowhere/py", driver)
    )
    _branches(
        enforcing, _both(11, first=False, last=False), _both(12, last=False), _both(12, first=False)
    )
    done = enforcing.try_git("merge", "--no-verify", "--no-edit", "other")
    assert done.ok, done.output
    assert enforcing.read(NAME) == _both(12), "serials that are equal already do not conflict"
