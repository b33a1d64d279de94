"""Reading one part of a zone file, in a process of its own: see `zonefile_sharing`."""

from __future__ import annotations

from zonecast.zone.zonefile_context import State
from zonecast.zone.zonefile_packed import ReadPart, Task
from zonecast.zone.zonefile_reader import FileReader
from zonecast.zone.zonefile_records import EnoughError, Records


def read_part(octets: bytes) -> bytes:
    """The answer to a packed task: a packed ReadPart; no octets where anything about the part is
    not plain sailing, and so for the process to read that reads the whole file."""
    task = Task.unpack(octets)
    records = Records(task.zone, "")
    state = State(records, None)
    state.default_ttl = task.default_ttl
    file = FileReader(state, "", task.text, task.origin)
    file.before = task.before
    try:
        file.read()
        records.finish()
    except EnoughError:
        return b""
    if records.findings or records.soa_seen or records.has_generated:
        return b""
    places = records.places
    return ReadPart(
        file.origin,
        state.default_ttl,
        state.last_ttl,
        file.origin_place,
        list(records.rrsets),
        [(*rrset,) for rrset in records.rrsets.values()],
        places.first.tobytes(),
        places.other_keys,
        places.other_rdatas,
        places.others.tobytes(),
    ).pack()
