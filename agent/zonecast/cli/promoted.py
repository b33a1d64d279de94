"""What a promoted secondary's zones become: the files of a repository, its policy with their places
in catalogs, and what of the catalogs that were followed a repository cannot say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import count
from typing import NamedTuple

from zonecast.cli.import_files import MAX_STEM
from zonecast.errors import RejectedError, printable
from zonecast.protocol.catalog import Member, member_label
from zonecast.protocol.catalog_owners import Owned
from zonecast.zone import names
from zonecast.zone.rrset import Zone
from zonecast.zone.zonefile.writer import zone_text

# What stands in a file's name as it is; everything else goes by number and into [origins].
_PLAIN = re.compile(r"[a-z0-9_][a-z0-9_.-]*")
# So many zones are named where something is said of several.
_NAMED = 5


class Followed(NamedTuple):
    """The catalogs that a secondary follows: what each lists, in the order of the configuration;
    which one each member came from; and for which secondaries alone a zone or catalog is."""

    listed: Mapping[bytes, Mapping[bytes, Member]]
    owned: Mapping[bytes, Owned]
    audiences: Mapping[bytes, frozenset[str]]


def repository_files(
    zones: list[Zone], followed: Followed
) -> tuple[dict[str, bytes], list[RejectedError]]:
    """The files of a repository with these zones, its policy among them, and why zones are left out
    that no file can hold: one record of one zone must not keep back all others."""
    files = {}
    origins = []
    refused = []
    paths = _paths([zone.origin.lower() for zone in zones])
    for zone in zones:
        origin = zone.origin.lower()
        try:
            files[paths[origin]] = zone_text(zone).encode()
        except RejectedError as error:
            refused.append(error)
            continue
        if paths[origin] != _plain_path(origin):
            origins.append(f"{quoted(paths[origin])} = {quoted(names.to_text(zone.origin))}")
    lines = ["[origins]", *origins, ""] if origins else []
    for zone in zones:
        lines += _overrides(zone.origin.lower(), followed)
    policy = "\n".join(lines or ["# Everything is at its default.", ""])
    return {**files, "zonecast.toml": policy.encode()}, refused


def _paths(origins: list[bytes]) -> dict[bytes, str]:
    """A file of its own for each zone: `zone-1.` may be the name of one, too."""
    taken = set(map(_plain_path, origins))
    numbered = (path for n in count(1) if (path := f"zones/zone-{n}.zone") not in taken)
    return {origin: _plain_path(origin) or next(numbered) for origin in origins}


def _plain_path(origin: bytes) -> str:
    """The file that says by its name which zone it has; "" where none can."""
    name = names.to_text(origin).rstrip(".")
    return f"zones/{name}.zone" if _PLAIN.fullmatch(name) and len(name) <= MAX_STEM else ""


def _overrides(origin: bytes, followed: Followed) -> list[str]:
    """What the policy says of one zone: its groups, and its catalog where that is not the first."""
    owned = followed.owned.get(origin)
    if owned is None:
        return []
    groups = [found for group in owned.member.groups if (found := _text(group))]
    lines = [f"group = [{', '.join(map(quoted, groups))}]"] if groups else []
    if owned.catalog != next(iter(followed.listed)):
        lines.append(f"catalog = {quoted(names.to_text(owned.catalog))}")
    return [f"[zone.{quoted(names.to_text(origin))}]", *lines, ""] if lines else []


def _text(group: bytes) -> str:
    """A group as a policy has it; "" where none can."""
    try:
        return group.decode()
    except UnicodeDecodeError:
        return ""


def losses(zones: list[Zone], followed: Followed) -> Iterator[str]:
    """What a repository with these zones does not keep of the catalogs, and what comes of it."""
    origins = [zone.origin.lower() for zone in zones]
    if followed.listed:
        outside = [origin for origin in origins if origin not in followed.owned]
        if outside:
            first = names.to_text(next(iter(followed.listed)))
            yield f"{_several(outside)}: in no catalog until now; {first} lists them from now on"
    for catalog, members in followed.listed.items():
        yield from _losses_of_catalog(catalog, members, followed)
    restricted: dict[frozenset[str], list[bytes]] = {}
    for origin in (*followed.listed, *origins):
        if origin in followed.audiences:
            restricted.setdefault(followed.audiences[origin], []).append(origin)
    for among, zones_there in restricted.items():
        whom = f"{', '.join(sorted(among))} alone" if among else "no secondary"
        yield (
            f"{_several(zones_there)}: for {whom} until now; a repository's zones are for every"
            " [[secondary]], so configure none here that must not have them"
        )


def _losses_of_catalog(
    catalog: bytes, members: Mapping[bytes, Member], followed: Followed
) -> Iterator[str]:
    where = names.to_text(catalog)
    own = {n: m for n, m in members.items() if n in followed.owned}
    own = {n: m for n, m in own.items() if followed.owned[n].catalog == catalog}
    foreign = [name for name, member in own.items() if member.label != member_label(name)]
    if foreign:
        yield (
            f"{where}: {len(foreign)} of its {len(own)} members get another label than they had:"
            f" {_several(foreign)}; who follows it resets them, which is to remove them and transfer"
            " them anew; a zonecast that finds these too many at once (max-removal) changes nothing"
            f" until 'zonecast follow {where}' is said there, or has max-removal = 1.0"
        )
    odd = [name for name, member in own.items() if not all(map(_text, member.groups))]
    if odd:
        yield f"{where}: a group that is no UTF-8 text, or empty, is not kept: {_several(odd)}"
    others = [name for name in members if name not in own]
    if others:
        yield (
            f"{where}: lists no more what it has in common with another catalog, which it stays in:"
            f" {_several(others)}"
        )


def _several(origins: list[bytes]) -> str:
    named = ", ".join(printable(names.to_text(origin)) for origin in origins[:_NAMED])
    more = len(origins) - _NAMED
    return f"{named} and {more} more" if more > 0 else named


def quoted(text: str) -> str:
    """A TOML string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
