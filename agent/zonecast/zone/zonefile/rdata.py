"""Rdata from master-file text: a fast path of our own for the types that fill zones, dnspython
record by record for every other one, unknown types included (RFC 3597).

A test holds the two against each other. dnspython is imported when a record first needs it:
most zones and every hook start without.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Callable, Sequence

from zonecast.errors import BadNameError, WireError
from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.zonefile.tokens import unescape

Words = Sequence[bytes]

_TTL_UNITS = {b"s": 1, b"m": 60, b"h": 3600, b"d": 86400, b"w": 604800}
_TTL = re.compile(rb"(?:[0-9]+[smhdwSMHDW])+")
_TTL_PART = re.compile(rb"([0-9]+)([smhdw])")
_MAX_CACHED = 1 << 16
TOO_MUCH = "remove it; a comment starts with ';'"
BAD_ESCAPE = "write \\DDD, 000 to 255"
LENGTHS = tuple(bytes((n,)) for n in range(names.MAX_LABEL + 1))
OCTETS = {str(n).encode(): n for n in range(256)}


class RdataError(Exception):
    """Rdata that is wrong: `index` is the word's place among the rdata's words."""

    def __init__(
        self, message: str, index: int = 0, remedy: str = "", kind: str = "syntax"
    ) -> None:
        super().__init__(message)
        self.message = message
        self.index = index
        self.remedy = remedy
        self.kind = kind


class Names:
    """Reads the names of one file under its current $ORIGIN (None: there is none yet)."""

    def __init__(self, origin: bytes) -> None:
        self.origin = origin
        self._known: dict[bytes, bytes] = {}

    def read(self, word: bytes) -> bytes:
        """The absolute name that `word` writes. Raises BadNameError."""
        name = self._known.get(word)
        if name is None:
            if len(self._known) >= _MAX_CACHED:
                self._known.clear()
            name = self._known[word] = wire_name(word, self.origin)
        return name


def wire_name(word: bytes, origin: bytes) -> bytes:
    """The absolute name that `word` writes under `origin`. Raises BadNameError."""
    if word[-1:] == b".":
        labels, tail = word[:-1].split(b"."), names.ROOT
    else:
        labels, tail = word.split(b"."), origin
    try:
        name = b"".join([LENGTHS[len(label)] + label for label in labels]) + tail
    except IndexError:
        name = b""
    if not 0 < len(name) <= names.MAX_NAME or b"" in labels or 0x5C in word or word == b"@":
        return names.from_text(word.decode("utf-8", "replace"), origin)
    if not word.isascii():
        return names.from_text(word.decode("utf-8", "replace"), origin)
    return name


def read_ttl(word: bytes) -> int | None:
    """A TTL in seconds, units allowed ("1h30m"); None where `word` is none."""
    if word.isdigit() and word.isascii():
        return int(word) if len(word) <= 20 else 1 << 64
    if len(word) > 64 or not _TTL.fullmatch(word):
        return None
    return sum(int(n) * _TTL_UNITS[unit] for n, unit in _TTL_PART.findall(word.lower()))


def read_number(words: Words, index: int, limit: int, what: str) -> int:
    """The whole number at words[index], at most `limit`. Raises RdataError."""
    word = words[index]
    if not word.isdigit() or not word.isascii():
        raise RdataError(f"{what} '{show(word)}' is not a number", index, f"write 0 to {limit}")
    if len(word) > 20 or int(word) > limit:
        message = f"{what} {show(word)} is greater than {limit}"
        raise RdataError(message, index, f"write 0 to {limit}")
    return int(word)


def show(word: bytes) -> str:
    """A word for a message: short and printable."""
    text = word.decode("utf-8", "replace")
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= 60 else text[:57] + "..."


def ipv4(word: bytes) -> bytes:
    """Four octets from dotted decimal, without leading zeros. Raises ValueError."""
    try:
        a, b, c, d = word.split(b".")
        return bytes((OCTETS[a], OCTETS[b], OCTETS[c], OCTETS[d]))
    except (KeyError, ValueError):
        raise ValueError(f"'{show(word)}' is no IPv4 address") from None


def ipv6(word: bytes) -> bytes:
    """Sixteen octets from text (RFC 4291 §2.2). Raises ValueError."""
    text = word
    if 0x2E in word:
        head, colon, last = word.rpartition(b":")
        four = ipv4(last).hex().encode() if colon else b""
        text = head + colon + four[:4] + b":" + four[4:]
    left, gap, right = text.partition(b"::")
    before = left.split(b":") if left else []
    after = right.split(b":") if right else []
    missing = 8 - len(before) - len(after)
    digits = [group.rjust(4, b"0") for group in before]
    if gap:
        digits.append(b"0000" * missing)
        digits += [group.rjust(4, b"0") for group in after]
    try:
        octets = unhexlify(b"".join(digits))
    except ValueError:
        octets = b""
    wrong = missing < 1 if gap else missing != 0
    if wrong or len(octets) != 16 or b"" in before or b"" in after:
        raise ValueError(f"'{show(word)}' is no IPv6 address")
    return octets


def _a(words: Words, reader: Names) -> bytes:
    exactly(words, 1, "an address")
    return _at(0, ipv4, words[0], "write four numbers up to 255, without leading zeros")


def _aaaa(words: Words, reader: Names) -> bytes:
    exactly(words, 1, "an address")
    return _at(0, ipv6, words[0], "write up to eight groups, as in 2001:db8::1")


def _name(words: Words, reader: Names) -> bytes:
    exactly(words, 1, "a name")
    return read_name(words, 0, reader)


def _two_names(words: Words, reader: Names) -> bytes:
    exactly(words, 2, "two names")
    return read_name(words, 0, reader) + read_name(words, 1, reader)


def _preference_name(words: Words, reader: Names) -> bytes:
    exactly(words, 2, "a preference and a name")
    return read_number(words, 0, 65535, "preference").to_bytes(2, "big") + read_name(
        words, 1, reader
    )


def _srv(words: Words, reader: Names) -> bytes:
    exactly(words, 4, "priority, weight, port and a name")
    numbers = [
        read_number(words, index, 65535, what).to_bytes(2, "big")
        for index, what in enumerate(("priority", "weight", "port"))
    ]
    return b"".join(numbers) + read_name(words, 3, reader)


def _txt(words: Words, reader: Names) -> bytes:
    if not words:
        raise RdataError("expected a character-string", remedy='write one, "" if it is empty')
    parts = []
    for index, word in enumerate(words):
        text = _at(index, unescape, word, BAD_ESCAPE)
        if len(text) > 255:
            raise RdataError(
                f"character-string of {len(text)} octets, 255 is the most",
                index,
                'split it into several: "…" "…"',
                kind="string-too-long",
            )
        parts.append(bytes((len(text),)) + text)
    return b"".join(parts)


def _at(index: int, read: Callable[[bytes], bytes], word: bytes, remedy: str) -> bytes:
    try:
        return read(word)
    except ValueError as error:
        raise RdataError(str(error), index, remedy) from None


def read_name(words: Words, index: int, reader: Names) -> bytes:
    """The name at words[index]. Raises RdataError."""
    try:
        return reader.read(words[index])
    except BadNameError as error:
        raise RdataError(error.message, index, error.remedy, kind="bad-name") from None


def exactly(words: Words, count: int, what: str) -> None:
    """Raises RdataError unless there are so many words."""
    if len(words) < count:
        raise RdataError(f"expected {what}", len(words), f"write {what} after the type")
    if len(words) > count:
        message = f"'{show(words[count])}' after the end of the record"
        raise RdataError(message, count, TOO_MUCH)


# Types read here. TXT and its like take quoted strings; the others are left to dnspython when
# a word of theirs is quoted.
FAST: dict[int, Callable[[Words, Names], bytes]] = {
    rd.A: _a,
    rd.AAAA: _aaaa,
    rd.NS: _name,
    rd.CNAME: _name,
    rd.PTR: _name,
    rd.DNAME: _name,
    rd.MX: _preference_name,
    rd.SRV: _srv,
    rd.TXT: _txt,
    99: _txt,
    # Which dnspython does not read.
    rd.MB: _name,
    rd.MG: _name,
    rd.MR: _name,
    rd.MINFO: _two_names,
}
QUOTABLE = frozenset((rd.TXT, 99))

# Types whose insides are looked at here, beyond the names in them: the checks rely on their being
# well-formed, and a name or an address that is none is of no use to anyone. Any other type is
# served as the octets that it is, as it is when a primary transfers it.
_CDS, _CDNSKEY, _ZONEMD = 59, 60, 63
_LOOKED_INTO = frozenset(FAST) | {
    rd.SOA, rd.RRSIG, rd.NSEC, rd.DNSKEY, rd.NSEC3, rd.NSEC3PARAM, _CDS, _CDNSKEY, _ZONEMD
}  # fmt: skip

TYPES: dict[bytes, int] = {
    rd.type_to_text(number).encode(): number
    for number in range(1, 300)
    if not rd.type_to_text(number).startswith("TYPE")
}


# An IPSECKEY of algorithm 0, which has no key (RFC 4025 §2.4), up to its gateway.
_IPSECKEY = 45
_KEYLESS = re.compile(r"[0-9]+ [0-9]+ 0+ \S+")


def is_meta(rtype: int) -> bool:
    """Whether a type can never be in a zone (RFC 6895 §3.1: 0, OPT, 128 to 255)."""
    return rtype in (0, rd.OPT) or 128 <= rtype <= 255


def read_type(word: bytes) -> int | None:
    """The type that a mnemonic or TYPE123 (RFC 3597 §5) means, None where it means none."""
    upper = word.upper()
    known = TYPES.get(upper)
    if known is not None:
        return known
    if upper.startswith(b"TYPE") and upper[4:].isdigit() and len(upper) < 10:
        number = int(upper[4:])
        return number if number < 65536 else None
    if not upper.isascii() or not upper[:1].isalpha():
        return None
    import dns.exception
    import dns.rdatatype

    try:
        return int(dns.rdatatype.from_text(upper.decode()))
    except (dns.exception.DNSException, ValueError):
        return None


def read_any(rtype: int, text: str, origin: bytes) -> bytes:
    """The rdata of any type from its text, by dnspython. Raises RdataError."""
    if rtype == _IPSECKEY and _KEYLESS.fullmatch(text):
        return read_any(rtype, f"{text} AA==", origin)[:-1]  # dnspython takes none without a key
    import dns.name
    import dns.rdata
    import dns.rdataclass
    import dns.rdatatype

    kind = dns.rdatatype.RdataType.make(rtype)
    known = dns.rdata.get_rdata_class(dns.rdataclass.IN, kind)  # type: ignore[no-untyped-call]
    if known is dns.rdata.GenericRdata and not text.startswith("\\#"):
        # TYPE123 where the type has no name.
        message = f"the text of {dns.rdatatype.to_text(kind)} records is not read here"
        remedy = f"write its octets in hexadecimal: TYPE{rtype} \\# LENGTH HEX (RFC 3597)"
        raise RdataError(message, remedy=remedy)
    try:
        rdata = dns.rdata.from_text(
            dns.rdataclass.IN,
            kind,
            text,
            origin=dns.name.from_wire(origin, 0)[0],
            relativize=False,
        )
        wire = rdata.to_wire() or b""
        if not wire and rtype == dns.rdatatype.NSAP:
            raise ValueError("an address of no octets")  # dnspython does not mind
        return wire
    except Exception as error:  # noqa: BLE001 - whatever bad text makes it raise, it is the text
        reason = str(error) or type(error).__name__
        raise RdataError(
            f"bad {rd.type_to_text(rtype)} record: {reason}",
            remedy="mend it, or write its octets in hexadecimal: \\# LENGTH HEX (RFC 3597)",
        ) from None


def read_octets(rtype: int, words: Words) -> bytes | None:
    """The rdata that `\\# LENGTH HEX` (RFC 3597 §5) writes, of a type whose own text has none for
    it; None where the words are not that, or not enough to serve it by (`_LOOKED_INTO`)."""
    size, digits = words[1:2], b"".join(words[2:])
    if rtype in _LOOKED_INTO or not size or not size[0].isdigit() or len(size[0]) > 5:
        return None
    try:
        rdata = unhexlify(digits)
    except ValueError:
        return None
    return rdata if len(rdata) == int(size[0]) and is_servable(rtype, rdata) else None


def is_servable(rtype: int, rdata: bytes) -> bool:
    """Whether octets hold the names that their type has, and what is read beside them."""
    try:
        fields = rd.fields(rtype, rdata)
    except WireError:
        return False
    if any(kind in "Nnx" and end - start > names.MAX_NAME for kind, start, end in fields):
        return False
    if rtype in FAST and fields and fields[-1][2] != len(rdata):
        return False  # nothing comes after the names of these
    # RFC 8659 §4.1: flags, and a tag behind its length.
    return rtype != rd.CAA or (len(rdata) >= 2 and len(rdata) >= 2 + rdata[1])
