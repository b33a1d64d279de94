"""Zone files: from a file's octets to a zone, with every error placed (RFC 1035 §5).

    parsed = read_zone(content, path="zones/example.com.zone", origin=origin, include=None)

Reading never fails: what is wrong is in `parsed.findings`, and `parsed.zone` holds what could be
read. A zone with error findings must not be served.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from zonecast.zone.catalogue import finding
from zonecast.zone.collector import no_collections
from zonecast.zone.findings import Finding, Position
from zonecast.zone.ignored import Ignored, marks, watching
from zonecast.zone.rrset import SOA_KEY, Zone
from zonecast.zone.zonefile.context import Helpers, Include, State
from zonecast.zone.zonefile.reader import read_file
from zonecast.zone.zonefile.records import MAX_ERRORS, EnoughError, Places, Records

_BIG = 1 << 20  # octets

__all__ = ["Helpers", "Include", "Parsed", "read_zone"]


@dataclass
class Parsed:
    """A zone file that was read.

    `files` are the paths read, the zone file first, then its includes. `serial_span` is where
    the SOA's serial stands: a path and the octets [start, end) of its digits in that file;
    `serial_position` is the same for people. `ignored` are the comments that silence findings.
    """

    zone: Zone
    findings: list[Finding] = field(default_factory=list)
    files: tuple[str, ...] = ()
    serial_span: tuple[str, int, int] | None = None
    serial_position: Position = field(default_factory=lambda: Position(""))
    places: Places = field(default_factory=Places)
    ignored: Ignored = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The zone file's path."""
        return self.files[0]

    def position(self, key: bytes | None = None, rdata: bytes | None = None) -> Position:
        """Where the RRset with this key stands, or one record of it; else the zone file."""
        return self.places.position(key, rdata)


def read_zone(
    content: bytes,
    *,
    path: str,
    origin: bytes,
    include: Include | None,
    helpers: Helpers | None = None,
) -> Parsed:
    """The zone that `content` holds. `origin` is the zone's name in wire form; `include` gives
    the path and octets of an included file and raises ZonecastError where it cannot; `helpers`
    read parts of a big file beside this process, which changes nothing but the time it takes."""
    records = Records(origin, path)
    ignored = dict(marks(path, content))
    if include is not None:
        include = watching(include, ignored)
    try:
        with no_collections(len(content) >= _BIG, keep=True):
            read_file(State(records, include, helpers), path, content, origin)
            records.finish()
        _apex(records)
    except EnoughError:
        message = f"more than {MAX_ERRORS} errors; the rest of the zone was not read"
        position = Position(path)
        records.findings.append(
            finding("too-many-errors", position, message, "mend these first", records.zone_text)
        )
    records.say_how_many_more()
    place = records.serial_place
    return Parsed(
        Zone(origin, records.rrsets),
        records.findings,
        tuple(records.places.files),
        records.serial_span,
        Position(path) if place is None else Position(*place),
        records.places,
        ignored,
    )


def _apex(records: Records) -> None:
    path = records.places.files[0]
    soa = records.rrsets.get(SOA_KEY)
    if soa is None:
        # With the SOA at another name every other record is out of place for the same reason.
        records.findings = [item for item in records.findings if item.id != "out-of-zone"]
        if not records.soa_seen:
            message = f"the zone {records.zone_text} has no SOA record"
            records.report("soa-missing", path, 0, 0, message, "add one at the top")
        return
    if len(soa.rdatas) > 1:
        second = records.places.position(SOA_KEY, records.places.after_first(SOA_KEY)[0][0])
        message = f"the zone {records.zone_text} has {len(soa.rdatas)} SOA records"
        records.report("soa-multiple", *second, message, "keep one")
