"""Query access lists, applied to replies: who may not ask gets REFUSED, and what a chain of CNAMEs
or DNAMEs leads to is told only to who may ask for it.

Transfers and NOTIFY have rules of their own, and who signs with a key of ours is known by it,
wherever it asks from.
"""

from __future__ import annotations

from typing import Any

from zonecast.errors import WireError
from zonecast.protocol.answer_query import STREAM_LIMIT, Extras, answer_query
from zonecast.protocol.edns import (
    COOKIE,
    KEEPALIVE,
    NSID,
    PADDING,
    PROHIBITED,
    extended_error,
    padding,
    split_options,
    write_opt,
)
from zonecast.protocol.message import error_reply, question_end, read_query
from zonecast.protocol.prefixes import Prefixes
from zonecast.protocol.query_lists import Permitted, QueryLists
from zonecast.protocol.sections import (
    ADDITIONAL,
    OPCODE_MASK,
    OPCODE_NOTIFY,
    REFUSED,
    records,
)
from zonecast.protocol.tsig import has_tsig
from zonecast.protocol.view import View
from zonecast.zone import names
from zonecast.zone import rdata as rd

_OF_THE_SERVER = (COOKIE, NSID, KEEPALIVE)

_DS = b"\x00\x2b"
_REDIRECTING = (b"\x00\x05", b"\x00\x27")


def read_lists(settings: dict[str, Any] | None) -> QueryLists | None:
    """The lists in a settings message; None where everybody may ask for everything."""
    if settings is None:
        return None
    below = {names.from_text(zone["name"]).lower(): _prefixes(zone) for zone in settings["zones"]}
    return QueryLists(_prefixes(settings), below)


def _prefixes(lists: dict[str, Any]) -> Prefixes:
    return Prefixes(lists["allow"], lists["deny"], otherwise=not lists["closed"])


def permitted(
    packet: bytes, reply: bytes, address: bytes, lists: QueryLists, view: View, *, datagram: bool
) -> bytes | None:
    """What a packed address gets instead of `reply`, an answer from `view`: the same, or less where
    its chain leads to what is not for this client. None: REFUSED."""
    try:
        end = question_end(packet)
    except WireError:
        return reply  # which says nothing but that
    name = packet[12 : end - 4].lower()
    if packet[end - 4 : end - 2] == _DS and name[0]:
        above = name[name[0] + 1 :]
        if any(ancestor in view.zones for ancestor in names.suffixes(above)):
            name = above  # the parent's, where it is here (RFC 4035 §3.1.4.1)
    if not lists.allows(name, address):
        return reply if _has_other_rules(packet, reply) else None
    if not lists.below or not _redirects(reply, end):
        return reply
    owners = {
        rd.read_name(reply, record.start)[0].lower()
        for record in records(reply)
        if record.section != ADDITIONAL
    }
    if all(lists.allows(owner, address) for owner in owners) or has_tsig(reply):
        return reply
    options = _options(reply)
    kept = b"".join(octets for code, octets in options if code != PADDING)
    extras = Extras(kept, pads=any(code == PADDING for code, _ in options))
    return answer_query(
        packet, read_query(packet), Permitted(view, lists, address), datagram, extras=extras
    )


def refusal(packet: bytes, reply: bytes) -> bytes:
    """REFUSED instead of `reply`, and why (RFC 8914 §4.19), with those of its options that say nothing
    of a zone."""
    edns = read_query(packet).edns
    if edns is None:
        return error_reply(packet, REFUSED, b"")
    options = _options(reply)
    kept = b"".join(octets for code, octets in options if code in _OF_THE_SERVER)
    kept += extended_error(PROHIBITED)
    refused = error_reply(packet, REFUSED, write_opt(edns.dnssec, REFUSED, kept))
    if any(code == PADDING for code, _ in options):
        kept += padding(len(refused), STREAM_LIMIT)
        refused = error_reply(packet, REFUSED, write_opt(edns.dnssec, REFUSED, kept))
    return refused


def _options(reply: bytes) -> list[tuple[int, bytes]]:
    return [
        option
        for record in records(reply)
        if record.rtype == rd.OPT
        for option in split_options(reply[record.rdata : record.end])
    ]


def _has_other_rules(packet: bytes, reply: bytes) -> bool:
    if (packet[2] << 8) & OPCODE_MASK == OPCODE_NOTIFY or has_tsig(reply):
        return True
    try:
        return read_query(packet).qtype in (rd.AXFR, rd.IXFR)
    except WireError:
        return True  # the reply says nothing but that


def _redirects(reply: bytes, end: int) -> bool:
    """Whether an answer, whose question ends at `end`, begins with a CNAME or DNAME. Its owner is the
    question's name or above it: a pointer, or the root."""
    start = end + (2 if reply[end : end + 1] >= b"\xc0" else 1)
    return reply[6:8] != b"\x00\x00" and reply[start : start + 2] in _REDIRECTING
