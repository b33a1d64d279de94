"""Records the long way: any record that a master file can hold (RFC 1035 §5.1), and what is wrong
with one that it cannot.

Where the standards leave room it is as in BIND: without `$TTL` a record takes the last TTL
written, and a first SOA its own minimum. The first TTL of an RRset is the TTL of all of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.rrset import soa_timers
from zonecast.zone.zonefile import tokens
from zonecast.zone.zonefile.context import FileContext
from zonecast.zone.zonefile.forms import check_bare, check_form
from zonecast.zone.zonefile.head import read_head
from zonecast.zone.zonefile.rdata import (
    FAST,
    QUOTABLE,
    RdataError,
    is_servable,
    read_any,
    read_octets,
)
from zonecast.zone.zonefile.records import RecordError
from zonecast.zone.zonefile.soa import SERIAL_WORD, read_soa
from zonecast.zone.zonefile.tokens import Token


def read_record(
    file: FileContext, words: list[bytes], blank: bool, found: Sequence[Token], line: int
) -> None:
    """One record: [owner] [TTL] [class] type rdata. `found` are the tokens of `words`; `blank` is
    whether the record has no owner of its own. Raises RecordError."""
    start = 0 if blank else 1
    if not blank and (words[0] != file.owner_word or not file.has_owner):
        file.read_owner(words)
    if not file.has_owner:
        raise RecordError("no-owner", "no owner before this record", 0, "write its owner")
    head = read_head(words, start)
    check_bare(found, start, head.rdata)
    ttl, rtype, start = None, head.rtype, head.rdata
    if head.ttl is not None:
        ttl = file.read_ttl(words, head.ttl, found)
    at_soa = rtype == rd.SOA
    try:
        rdata = _rdata(file, rtype, words[start:], found[start:])
    except RdataError as problem:
        file.records.soa_seen |= at_soa
        raise RecordError(
            problem.kind, problem.message, start + problem.index, problem.remedy
        ) from None
    if len(rdata) > 65535:
        message = f"{len(rdata)} octets of rdata, 65535 is the most"
        raise RecordError(
            "rdata-too-long", message, remedy="shorten it, or make it several records"
        )
    if ttl is not None:
        file.state.last_ttl = ttl
    else:
        ttl = _implied_ttl(file, rtype, rdata, start, found)
    if file.owner is None or (at_soa and file.owner):
        _misplaced(file, line, found[0].column, at_soa)
        return
    place = file.number << 48 | (file.before + line) << 16 | min(found[0].column, 0xFFFF)
    file.records.add(file.owner, file.node, rtype, ttl, rdata, place)


def _rdata(file: FileContext, rtype: int, args: list[bytes], found: Sequence[Token]) -> bytes:
    generic = bool(args) and args[0] == b"\\#"
    fast = FAST.get(rtype)
    quoted = any(token.quoted for token in found)
    check_form(rtype, found, generic=generic)
    if fast is not None and not generic and (not quoted or rtype in QUOTABLE):
        return fast(args, file.names)
    if rtype == rd.SOA and not generic:
        if len(args) > SERIAL_WORD:
            _place_serial(file, found[SERIAL_WORD])
        return read_soa(args, file.names)
    text = tokens.as_text(found)
    if not quoted and not text.isascii():
        raise RdataError("characters outside ASCII", remedy="write names as A-labels (xn--…)")
    if generic:
        return _octets(file, rtype, args, found)
    return read_any(rtype, text, file.origin)


def _octets(file: FileContext, rtype: int, args: list[bytes], found: Sequence[Token]) -> bytes:
    """Rdata in hexadecimal. What is no such record, and can be served all the same, is said."""
    try:
        rdata = read_any(rtype, tokens.as_text(found), file.origin)
    except RdataError as problem:
        odd = read_octets(rtype, args)
        if odd is None:
            raise
        message = f"{problem.message}; it is served as the octets that it is"
        remedy = "mend it: resolvers and other servers may refuse it"
        file.report("malformed-rdata", found[0].line, found[0].column, message, remedy)
        return odd
    if not is_servable(rtype, rdata):  # of a type that dnspython takes as it comes
        message = f"bad {rd.type_to_text(rtype)} record: the octets hold no whole name"
        raise RdataError(message, remedy="mend it, or remove it")
    return rdata


def _place_serial(file: FileContext, serial: Token) -> None:
    """Keeps where the first SOA's serial stands, good or not."""
    records = file.records
    if serial.raw.isdigit() and serial.raw.isascii() and records.serial_span is None:
        begin = file.lines.octet(serial.line - 1) + serial.column - 1
        records.serial_span = (file.path, begin, begin + len(serial.raw))
        records.serial_place = (file.path, serial.line, serial.column)


def _implied_ttl(
    file: FileContext, rtype: int, rdata: bytes, start: int, found: Sequence[Token]
) -> int:
    state = file.state
    if state.default_ttl is not None:
        return state.default_ttl
    if state.last_ttl is not None:
        return state.last_ttl
    if rtype != rd.SOA:
        raise RecordError("no-ttl", "no TTL is known here", start - 1, "put $TTL before it")
    minimum = soa_timers(rdata)[3]
    state.default_ttl = file.usable_ttl(minimum, found[-1])
    return state.default_ttl


def _misplaced(file: FileContext, line: int, column: int, is_soa: bool) -> None:
    """A record whose owner cannot have it here: left out, and said."""
    records = file.records
    zone = records.zone_text
    if not is_soa:
        if file.outside:
            message = f"'{file.outside}' lies outside the zone {zone} and is left out"
            file.report("out-of-zone", line, column, message, "move it to its own zone's file")
        return
    records.soa_seen = True
    remedy = "rename the file, or say its origin under [origins] in the policy"
    if file.origin_place is not None and file.prefix != b"":
        origin = names.to_text(file.origin)
        message = f"$ORIGIN {origin} and the SOA under it are not of the zone {zone}"
        file.report("origin-mismatch", *file.origin_place, message, remedy)
        return
    message = f"the SOA is not at the top of the zone, {zone}"
    file.report("soa-not-at-apex", line, column, message, remedy)
