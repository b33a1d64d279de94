"""A zone under another name, or in another file, is recognised: nothing came and nothing went."""

from __future__ import annotations

import json
from pathlib import Path

from zone_support import TOP, git, make_repository, read, zonecast

from zonecast.zone import names
from zonecast.zone.renames import MAX_PAIRS, find_renames, relocated
from zonecast.zone.rrset import Zone
from zonecast.zone.zonefile.text import record_texts

RECORDS = "www A 192.0.2.7\n@ MX 10 www\n_sip SRV 1 2 5060 www\nout CNAME www.example.invalid.\n"


def _zone(name: str, text: str) -> Zone:
    return read(text, origin=names.from_text(name, names.ROOT)).zone


def _found(removed: dict[str, str], added: dict[str, str]) -> list[tuple[str, str, int]]:
    sides = [
        {zone.origin: zone for zone in (_zone(name, text) for name, text in side.items())}
        for side in (removed, added)
    ]
    return [
        (names.to_text(old), names.to_text(new), similarity)
        for old, new, similarity in find_renames(*sides)
    ]


def test_names_inside_a_zone_follow_its_origin() -> None:
    moved = relocated(read(TOP + RECORDS).zone, names.from_text("other.test."))
    expected = _zone("other.test", TOP + RECORDS)
    assert [t for r in moved for t in record_texts(r, moved.origin)] == [
        t for r in expected for t in record_texts(r, expected.origin)
    ]
    assert moved == expected


def test_a_name_that_would_be_too_long_stays() -> None:
    label = "x" * 60
    zone = read(TOP + f"a CNAME {label}.{label}.{label}\n").zone
    long = names.from_text(f"{label}.{label}.test.")
    texts = [t for r in relocated(zone, long) for t in record_texts(r, long)]
    assert any(t.endswith(f"CNAME {label}.{label}.{label}.example.com.") for t in texts)


def test_half_of_the_larger_zone_has_to_be_in_both() -> None:
    text = TOP + RECORDS  # six records besides the SOA
    assert _found({"a": text}, {"b": text}) == [("a.", "b.", 100)]
    changed = text.replace("192.0.2.7", "192.0.2.8").replace("3600", "60")
    assert _found({"a": text}, {"b": changed}) == [("a.", "b.", 83)]
    grown = text + "".join(f"h{n} A 192.0.2.{n}\n" for n in range(6))
    assert _found({"a": text}, {"b": grown}) == [("a.", "b.", 50)]
    assert _found({"a": text}, {"b": grown + "one A 192.0.2.99\n"}) == []


def test_each_zone_once_and_the_most_alike_first() -> None:
    text = TOP + RECORDS
    other = text.replace("192.0.2.7", "192.0.2.8")
    third = text.replace("192.0.2.7", "192.0.2.9")
    assert _found({"a": text, "b": other}, {"c": third, "d": other}) == [
        ("b.", "d.", 100),
        ("a.", "c.", 83),
    ]
    assert _found({"a": text}, {"c": text, "d": text}) == [("a.", "c.", 100)]


def test_many_zones_are_not_compared_pair_by_pair() -> None:
    count = int(MAX_PAIRS**0.5) + 1
    old = {f"old{n}": TOP + f"h A 192.0.{n // 250}.{n % 250}\n" for n in range(count)}
    same = {f"new{n}": TOP + f"h A 192.0.{n // 250}.{n % 250}\n" for n in range(count)}
    assert sorted(_found(old, same)) == sorted((f"old{n}.", f"new{n}.", 100) for n in range(count))
    alike = {f"new{n}": TOP + f"h A 198.51.{n // 250}.{n % 250}\n" for n in range(count)}
    assert _found(old, alike) == []
    del old["old0"], old["old1"], alike["new0"], alike["new1"]
    assert len(_found(old, alike)) == count - 2


def test_the_command_says_renamed_and_shows_what_else_changed(tmp_path: Path) -> None:
    top = make_repository(tmp_path / "zones", {"old.example.zone": TOP + RECORDS})
    (top / "old.example.zone").rename(top / "new.example.zone")
    (top / "new.example.zone").write_text(
        TOP.replace("2026112101", "2026112102") + RECORDS + "www A 192.0.2.8\n"
    )
    assert zonecast("diff", cwd=top).stdout.splitlines() == [
        (
            "old.example. → new.example. (renamed, 85 % alike, serial 2026112101 → 2026112102, "
            "old.example.zone → new.example.zone)"
        ),
        "  www.new.example.",
        "    + 3600 IN A 192.0.2.8",
        "1 zone: 1 record added, 0 deleted, 0 with another TTL",
    ]
    (zone,) = json.loads(zonecast("diff", "--format", "json", cwd=top).stdout)["zones"]
    assert (zone["status"], zone["old_zone"], zone["similarity"]) == ("renamed", "old.example.", 85)


def test_a_file_that_moved_with_its_zone(tmp_path: Path) -> None:
    top = make_repository(tmp_path / "zones", {"a/example.com.zone": TOP + RECORDS})
    (top / "b").mkdir()
    git(top, "mv", "a/example.com.zone", "b/db.example.com")
    done = zonecast("diff", "--staged", "--exit-code", cwd=top)
    assert done.stdout.splitlines()[0] == (
        "example.com. (moved, a/example.com.zone → b/db.example.com)"
    )
    assert done.returncode == 1
    (top / "b/db.example.com").write_text(TOP)
    done = zonecast("diff", cwd=top)
    assert "serial 2026112101, not raised, a/example.com.zone → b/db.example.com" in done.stdout
    assert "- 3600 IN MX 10 www.example.com." in done.stdout


def test_a_file_that_holds_another_files_zone_as_well(tmp_path: Path) -> None:
    """The zone that was there is compared with itself, not taken for a new one."""
    top = make_repository(tmp_path / "zones", {"a/example.com.zone": TOP})
    (top / "b").mkdir()
    (top / "b/db.example.com").write_text(TOP + RECORDS)
    done = zonecast("diff", cwd=top)
    assert done.stdout.splitlines()[0] == "example.com. (cannot be read whole)"
