"""Where an imported zone's file goes, and what is never written over."""

from __future__ import annotations

from pathlib import Path

import pytest
from transfer_support import ORIGIN, zone

from zonecast.cli.import_files import Tree
from zonecast.errors import RejectedError
from zonecast.zone import names
from zonecast.zone.rrset import Zone
from zonecast.zone.zonefile import read_zone


def test_each_zone_has_a_file_of_its_own(tmp_path: Path) -> None:
    """Though several have the same name where what no file's name can have is replaced."""
    (tmp_path / "zones").mkdir()
    (tmp_path / "db.example.org").write_text("")
    (tmp_path / "zonecast.toml").write_text('[origins]\n"here/it.is" = "example.net"\n')
    tree = Tree(tmp_path / "zones")
    texts = (".", "A_b.test.", "a/b.test.", "a\\.b.test.", "example.org.", "\\.\\./up.test.")
    placed = {text: tree.place(names.from_text(text).lower()) for text in texts}
    assert [place.path for place in placed.values()] == [
        "zones/root.zone",
        "zones/a_b.test.zone",
        "zones/a_b.test-2.zone",
        "zones/a_.b.test.zone",
        "db.example.org",
        "zones/_._._up.test.zone",
    ]
    assert [place.exists for place in placed.values()] == [False] * 4 + [True, False]
    lines = list(tree.unnamed({names.from_text(text).lower(): p for text, p in placed.items()}))
    assert lines[:2] == ['"zones/root.zone" = "."', '"zones/a_b.test-2.zone" = "a/b.test."']
    assert len(lines) == 4, "example.org and a_b.test are called as they are"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    tree_path = tmp_path / "tree"
    tree_path.mkdir()
    (tree_path / "example.com.zone").symlink_to(elsewhere)
    tree = Tree(tree_path)
    placed = tree.place(ORIGIN)
    for force, says in ((False, "is there"), (True, "symbolic link")):
        with pytest.raises(RejectedError, match=says):
            tree.store(placed, zone(5), force=force)
    assert elsewhere.read_text() == "mine"


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    placed = tree.place(ORIGIN)
    assert tree.store(placed, zone(5), force=False)
    [file] = tmp_path.iterdir()
    read = read_zone(file.read_bytes(), path="x", origin=ORIGIN, include=None)
    assert read.zone.rrsets == zone(5).rrsets
    again = Tree(tmp_path)
    assert not again.store(again.place(ORIGIN), zone(5), force=True), "it says the same"


def zone_of(origin: bytes) -> Zone:
    """A zone that says whose it is in nothing but its origin."""
    return Zone(origin, {key: rrset for key, rrset in zone(5).rrsets.items() if not rrset.owner})


def test_another_run_writes_to_the_same_files(tmp_path: Path) -> None:
    """Nothing was put under [origins] in between: each file says itself whose it is."""
    long = ".".join(["l" * 63] * 3 + ["m" * 55]) + "."
    texts = (".", "a/b.test.", "a_b.test.", "dot\\.ted.test.", "semi\\;.test.", long)
    origins = [names.from_text(text) for text in texts]
    tree = Tree(tmp_path)
    paths = [tree.place(origin) for origin in origins]
    for origin, placed in zip(origins, paths, strict=True):
        assert tree.store(placed, zone_of(origin), force=False)
    for order in (1, -1):
        again = Tree(tmp_path)
        placed = {origin: again.place(origin) for origin in origins[::order]}
        assert [placed[origin].path for origin in origins] == [path.path for path in paths]
        assert not any(again.store(placed[o], zone_of(o), force=True) for o in origins)
    assert len(list(tmp_path.iterdir())) == len(texts)
    assert max(len(file.name) for file in tmp_path.iterdir()) < 100
    lines = "\n".join(["[origins]", *Tree(tmp_path).unnamed(placed)])
    (tmp_path / "zonecast.toml").write_text(lines)
    named = Tree(tmp_path)
    assert [named.place(origin).path for origin in origins] == [path.path for path in paths]


def test_force_never_replaces_another_zones_file(tmp_path: Path) -> None:
    """Though the policy says that it is this zone's: one of the two is wrong."""
    tree = Tree(tmp_path)
    first, second = names.from_text("a/b.test."), names.from_text("a_b.test.")
    tree.store(tree.place(first), zone_of(first), force=False)
    [file] = tmp_path.iterdir()
    before = file.read_bytes()
    (tmp_path / "zonecast.toml").write_text(f'[origins]\n"{file.name}" = "a_b.test."\n')
    tree = Tree(tmp_path)
    placed = tree.place(second)
    assert placed.path == file.name
    with pytest.raises(RejectedError, match=r"a/b\.test\."):
        tree.store(placed, zone_of(second), force=True)
    assert file.read_bytes() == before


def test_what_include_does_not_match_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "zones").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "zonecast.toml").write_text('include = ["zones/*.zone"]\n')
    odd = names.from_text("a/b.test.")
    for into, expected in (("zones", 0), ("other", 2)):
        tree = Tree(tmp_path / into)
        written = [tree.place(origin) for origin in (ORIGIN, odd)]
        assert len(tree.overlooked(written)) == expected
    tree.store(written[0], zone(5), force=False)
    again = Tree(tmp_path / "other")
    assert again.place(ORIGIN) == written[0]._replace(exists=True)
    assert len(again.overlooked([written[0]])) == 1, "it is no zone file the second time either"
