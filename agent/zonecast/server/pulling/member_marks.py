"""What catalogs listed when they were last followed, as the control store keeps it (JSON)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zonecast.protocol.catalog import Member
from zonecast.protocol.catalog_owners import Owned

# Of a catalog's record among the marks: this, then its lower-cased origin.
MARK = b"catalog/"


def write_mark(
    catalog: bytes, listed: Mapping[bytes, Member], owned: Mapping[bytes, Owned]
) -> dict[str, Any]:
    """What a catalog lists, and whether each member came from it."""
    return {
        name.hex(): {
            "label": member.label.decode("latin-1"),
            "groups": [group.decode("latin-1") for group in member.groups],
            "coo": None if member.coo is None else member.coo.hex(),
            "owned": owned[name].catalog == catalog,
        }
        for name, member in listed.items()
    }


def read_mark(
    catalog: bytes, saved: Mapping[str, Any]
) -> tuple[dict[bytes, Member], dict[bytes, Owned]]:
    """The inverse: what the catalog lists, and what of it came from it."""
    listed = {
        bytes.fromhex(name): Member(
            said["label"].encode("latin-1"),
            tuple(group.encode("latin-1") for group in said["groups"]),
            None if said["coo"] is None else bytes.fromhex(said["coo"]),
        )
        for name, said in saved.items()
    }
    owned = {
        name: Owned(catalog, member)
        for name, member in listed.items()
        if saved[name.hex()]["owned"]
    }
    return listed, owned
