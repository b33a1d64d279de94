"""Where an imported zone's file goes, and what is never written over."""

from __future__ import annotations

from pathlib import Path

import pytest
from transfer_support import ORIGIN, zone

from zonecast.cli.import_files import Tree
from zonecast.errors import RejectedError
from zonecast.zone import names
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
