"""Records as nearly all are written: [owner] [TTL] [IN] type rdata on a line of its own, of a type
that fills zones, without escapes or parentheses. Made for speed: whatever is written otherwise,
or is wrong, is left to the long way (`zonefile.entry`), which reads it again and says what is
wrong with it.

One regular expression takes a block of the file apart, a row a line; rdata that comes again is
looked up by its text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from struct import Struct

from zonecast.errors import BadNameError
from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.rrset import RRset
from zonecast.zone.zonefile.context import MAX_TTL, FileContext
from zonecast.zone.zonefile.rdata import (
    FAST,
    LENGTHS,
    OCTETS,
    Names,
    RdataError,
    ipv4,
    ipv6,
    read_ttl,
    wire_name,
)
from zonecast.zone.zonefile.records import RecordError, type_key

Plain = Callable[[Sequence[bytes], Names], bytes]
Row = tuple[bytes, bytes, bytes, bytes]

# (owner, TTL, type, rdata) of a plain line, four times nothing for any other. No part gives back
# what it took, so that a line is read once, whatever it holds.
_LINE = re.compile(
    rb'([^"$();@\\\x00-\x20\x7f-\xff]*+)[ \t]++'
    rb"(?:([0-9][0-9a-zA-Z]*+)[ \t]++)?+(?:[Ii][Nn][ \t]++)?+"
    rb"([a-zA-Z]++)[ \t]++"
    rb'([^";()\\\x00-\x08\x0a-\x1f\x7f]*+(?:"[^"\\\x00-\x08\x0a-\x1f\x7f]*+"[ \t]*+)?+)'
    rb"(?:;[^\n]*+)?+\r?+\n|[^\n]*+\n"
)

_DS_SIZES = {1: 20, 2: 32, 4: 48}  # octets of SHA-1, SHA-256 and SHA-384 (RFC 4509, RFC 6605)
_MAX_RDATA = 65535
_MAX_CACHED = 1 << 14
# Looked for as numbers: octets in octets are looked for by way of an error that nobody sees.
_DOT, _QUOTE = b'."'
_NEXT_LINE = 1 << 16  # from one line's place to the next one's, see Places

_four = Struct("4B").pack
_new = tuple.__new__

_NOT_PLAIN = (LookupError, ValueError, OverflowError, RdataError, BadNameError, RecordError)


def rows(content: bytes, start: int, end: int) -> Iterator[Row]:
    """A row for each line of content[start:end] that ends in a line feed."""
    return iter(_LINE.findall(content, start, content.rfind(b"\n", start, end) + 1))


class Ttls(dict[bytes, int]):
    """The seconds that each TTL writes, learned as they come; under no text at all, the default.
    Raises ValueError for what is no TTL or too large a one."""

    def __missing__(self, text: bytes) -> int:
        ttl = read_ttl(text)
        if ttl is None or ttl > MAX_TTL:
            raise ValueError(text)
        if len(self) < _MAX_CACHED:
            self[text] = ttl
        return ttl

    def set_default(self, ttl: int | None) -> None:
        """The TTL of records that have none of their own; None where there is none."""
        if ttl is None:
            self.pop(b"", None)
        else:
            self[b""] = ttl


class Rdatas(dict[bytes, tuple[bytes]]):
    """The rdata that each text of one type writes, as the RRset of one record has it. `kept` are
    those that come again."""

    def __init__(self, rtype: int, read: Plain, *, kept: bool) -> None:
        self.rtype = rtype
        self.key = type_key(rtype)
        self.names = Names(names.ROOT)
        self._read = read
        self._kept = kept

    def __missing__(self, text: bytes) -> tuple[bytes]:
        if _QUOTE in text:
            head, _, string = text.partition(b'"')
            words = [*head.split(), string[: string.rindex(b'"')]]
            if self.rtype not in _ONE_QUOTED:
                raise ValueError(text)
        else:
            words = text.split()
        rdata = self._read(words, self.names)
        if len(rdata) > _MAX_RDATA:
            raise ValueError(text)
        rdatas = (rdata,)
        if self._kept:
            if len(self) >= _MAX_CACHED:
                self.clear()
            self[text] = rdatas
        return rdatas


class _Addresses(Rdatas):
    """The same for IPv6 addresses, of which most come once."""

    def __missing__(self, text: bytes) -> tuple[bytes]:
        return (ipv6(text.rstrip()),)


class _OneName(Rdatas):
    """The same for types whose rdata is a name."""

    def __missing__(self, text: bytes) -> tuple[bytes]:
        (word,) = text.split()
        if _QUOTE in word:
            raise ValueError(text)  # as part of a name it would be an octet of it
        rdatas = (wire_name(word, self.names.origin),)
        if len(self) >= _MAX_CACHED:
            self.clear()
        self[text] = rdatas
        return rdatas


class _LastOctets(dict[bytes, int]):
    """What the last of an IPv4 address's four numbers writes, blanks after it or not."""

    def __missing__(self, text: bytes) -> int:
        return OCTETS[text.rstrip()]


class Plains:
    """What is known while the plain lines of a file are read."""

    def __init__(self) -> None:
        self.ttls = Ttls()
        self.last_octet = _LastOctets(OCTETS)
        tables = [
            _TABLES.get(rtype, Rdatas)(rtype, read, kept=rtype in _REPEATED)
            for rtype, read in PLAIN.items()
        ]
        self.kinds: dict[bytes, Rdatas] = {}
        for table in tables:
            mnemonic = rd.type_to_text(table.rtype).encode()
            self.kinds[mnemonic] = self.kinds[mnemonic.lower()] = table
        self._tables = tables
        self._names: Names | None = None

    def set_names(self, reader: Names) -> None:
        """What names are under from here on."""
        if reader is not self._names:
            self._names = reader
            for table in self._tables:
                table.names = reader
                table.clear()


def read_rows(file: FileContext, plain: Plains, found: Iterator[Row], line: int) -> int | None:
    """Reads rows into the file's zone for as long as they are plain; the first stands at `line`,
    counted from 1. The line of the row that is not plain, which is taken too; None at the end."""
    records, state = file.records, file.state
    rrsets, first, add_more = records.rrsets, records.places.first.append, records.add_more
    prefix, prefix_node = file.prefix, file.prefix_node
    room = names.MAX_NAME - len(records.origin)
    owner, node, owner_word = file.owner, file.node, file.owner_word
    ttls, kinds, last_octet = plain.ttls, plain.kinds, plain.last_octet
    plain.set_names(file.names)
    ttls.set_default(state.default_ttl)
    last_ttl = state.last_ttl
    start = file.number << 48 | (file.before + line) << 16 | 1
    place = start - _NEXT_LINE
    stopped = None
    for word, written, kind, text in found:
        place += _NEXT_LINE
        try:
            if word and word != owner_word:
                if _DOT in word or prefix is None:
                    owner = None
                    owner, node = _dotted_owner(file, word)
                else:
                    owner = LENGTHS[len(word)] + word + prefix
                    node = prefix_node + word.lower() + b"\x00"
                    if len(owner) > room:
                        owner = None
                owner_word = word
            if owner is None:
                stopped = place
                break
            ttl = ttls[written]
            if kind == b"A":
                a, b, c, d = text.split(b".")
                rdatas = (_four(OCTETS[a], OCTETS[b], OCTETS[c], last_octet[d]),)
                rtype = 1
                key = node + b"\x00\x00\x01"
            else:
                table = kinds[kind]
                rdatas = table[text]
                rtype = table.rtype
                key = node + table.key
        except _NOT_PLAIN:
            stopped = place
            break
        if written:
            last_ttl = ttl
        known = rrsets.get(key)
        if known is None:
            # What RRset(…) does, without the call of a Python function in between.
            rrsets[key] = _new(RRset, (owner, rtype, ttl, rdatas))
            first(place)
        else:
            add_more(key, known, ttl, rdatas[0], place)
    state.last_ttl = last_ttl
    file.owner, file.node = owner, node
    # Where there is no owner, whoever reads on reads it again and says why.
    file.owner_word = b"" if owner is None else owner_word
    file.has_owner |= owner is not None
    return None if stopped is None else line + (stopped - start) // _NEXT_LINE


def _dotted_owner(file: FileContext, word: bytes) -> tuple[bytes | None, bytes]:
    """Owner and node key of a word of several labels, or of any under an origin elsewhere."""
    prefix, node, dotted = file.prefix, file.prefix_node, file.records.dotted
    relative = word
    if word.endswith(dotted):
        relative, prefix, node = word[: -len(dotted)], b"", b""
    labels = relative.split(b".")
    if b"" in labels or prefix is None:
        file.read_owner((word,))
        return file.owner, file.node
    owner = b"".join([LENGTHS[len(label)] + label for label in labels]) + prefix
    if len(owner) + len(file.records.origin) > names.MAX_NAME:
        return None, b""
    labels.reverse()
    return owner, node + b"\x00".join(labels).lower() + b"\x00"


# Each raises one of `_NOT_PLAIN` where the words are not what it reads.


def _number(word: bytes) -> bytes:
    if not word.isdigit() or len(word) > 5:
        raise ValueError(word)
    return int(word).to_bytes(2, "big")


def _a(words: Sequence[bytes], reader: Names) -> bytes:
    (address,) = words
    return ipv4(address)


def _aaaa(words: Sequence[bytes], reader: Names) -> bytes:
    (address,) = words
    return ipv6(address)


def _name(words: Sequence[bytes], reader: Names) -> bytes:
    (name,) = words
    return reader.read(name)


def _preference_name(words: Sequence[bytes], reader: Names) -> bytes:
    preference, name = words
    return _number(preference) + reader.read(name)


def _srv(words: Sequence[bytes], reader: Names) -> bytes:
    priority, weight, port, name = words
    return _number(priority) + _number(weight) + _number(port) + reader.read(name)


def _ds(words: Sequence[bytes], reader: Names) -> bytes:
    tag, algorithm, kind = words[:3]
    if not (algorithm.isdigit() and kind.isdigit()):
        raise ValueError("a mnemonic")
    digest = bytes.fromhex(b"".join(words[3:]).decode("ascii"))
    if len(digest) != _DS_SIZES[int(kind)]:
        raise ValueError("another size")
    return _number(tag) + bytes((int(algorithm), int(kind))) + digest


def _caa(words: Sequence[bytes], reader: Names) -> bytes:
    flags, tag, value = words
    if not (flags.isdigit() and tag.isalnum() and value.isascii()):
        raise ValueError("unusual")
    return bytes((int(flags), len(tag))) + tag + value


PLAIN: dict[int, Plain] = {
    rd.A: _a,
    rd.AAAA: _aaaa,
    rd.NS: _name,
    rd.CNAME: _name,
    rd.PTR: _name,
    rd.DNAME: _name,
    rd.MX: _preference_name,
    rd.SRV: _srv,
    rd.TXT: FAST[rd.TXT],
    rd.DS: _ds,
    rd.CAA: _caa,
}

# Types whose last word may be a quoted string.
_ONE_QUOTED = frozenset((rd.TXT, rd.CAA))

# Types whose rdata many records share: looked up by its text.
_REPEATED = frozenset((rd.NS, rd.CNAME, rd.PTR, rd.DNAME, rd.MX, rd.TXT, rd.CAA))

_TABLES: dict[int, type[Rdatas]] = {
    rd.AAAA: _Addresses,
    rd.NS: _OneName,
    rd.CNAME: _OneName,
    rd.PTR: _OneName,
    rd.DNAME: _OneName,
}
