"""The streams of the TOML files beside this one, as octets: `vocabulary.toml` tells their words."""

from __future__ import annotations

import re
import struct
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import dns.rdatatype
from transfer_support import KEY_NAME, KEY_SECRET, rrset, soa, wire

from zonecast.protocol.sections import RCODES, read_question
from zonecast.protocol.tsig import Verified, make_key, verify
from zonecast.protocol.tsig_record import Chain, Tsig, append, find, unsigned
from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.rrset import RRset, Zone, make_rrset

HERE = Path(__file__).resolve().parent
KEY = make_key(KEY_NAME, "hmac-sha256", KEY_SECRET)
ERRORS = {"BADSIG": 16, "BADKEY": 17, "BADTIME": 18, "BADTRUNC": 22}
FLAGS = {"QR": 0x8000, "AA": 0x0400, "TC": 0x0200}
_CODES = {name: code for code, name in RCODES.items()}
_CLOCKS = {"late": -305, "early": 305, "slightly-late": -240}


@cache
def vocabulary() -> dict[str, Any]:
    with (HERE / "vocabulary.toml").open("rb") as file:
        return tomllib.load(file)


@dataclass
class Stream:
    """One scenario: what we hold, what comes, and what is made of it."""

    name: str
    held: str
    messages: list[str]
    says: str = ""
    gives: str = ""
    next: str = "nothing"
    key: bool = False
    limits: dict[str, int] = field(default_factory=dict)
    agent: bool = False

    @property
    def serial(self) -> int | None:
        """The serial that we hold."""
        return int(self.held.split()[0][1:]) if self.held else None


def streams(family: str) -> list[Stream]:
    """The streams of one file, `family`.toml."""
    with (HERE / f"{family}.toml").open("rb") as file:
        table = tomllib.load(file)
    common = {key: value for key, value in table.items() if key != "stream"}
    found = [Stream(**{**common, **fields}) for fields in table["stream"]]
    assert len({stream.name for stream in found}) == len(found)
    return found


def version(words: str, origin: bytes) -> Zone | None:
    """The zone that such words are, None where there are none."""
    rrsets: dict[bytes, RRset] = {}
    for word in _expanded(words):
        made = _record(word)
        known = rrsets.get(made.key)
        rdatas = made.rdatas if known is None else known.rdatas + made.rdatas
        rrsets[made.key] = make_rrset(made.owner, made.rtype, made.ttl, rdatas)
    return Zone(origin, rrsets) if rrsets else None


def _expanded(words: str) -> Iterator[str]:
    for word in words.split():
        if word in ("NEW", "OLD"):
            yield from vocabulary()[word.lower()].split()
        else:
            yield word


def _record(word: str) -> RRset:
    if re.fullmatch(r"S\d+", word):
        return soa(int(word[1:]))
    octets = vocabulary()["octets"].get(word)
    if octets is not None:
        owner = octets.get("owner", "")
        label = bytes((len(owner),)) + owner.encode() if owner else b""
        return RRset(label, octets["type"], 300, (bytes.fromhex(octets["rdata"]),))
    owner, ttl, rtype, text = vocabulary()["records"][word].split(None, 3)
    return rrset(owner, rtype, int(ttl), text)


def _octets(word: str) -> bytes:
    """One record as it stands in a message whose question names the zone."""
    raw = vocabulary()["octets"].get(word)
    if raw is None:
        [record] = wire(_record(word))
        return record
    owner = raw.get("owner", "")
    if owner.endswith("."):
        head = names.from_text(owner)
    else:
        head = (bytes((len(owner),)) + owner.encode() if owner else b"") + b"\xc0\x0c"
    rdata = bytes.fromhex(raw["rdata"])
    return head + struct.pack(">HHIH", raw["type"], raw.get("class", 1), 300, len(rdata)) + rdata


@dataclass
class _Line:
    """A line of words taken apart."""

    records: list[str]
    options: dict[str, str]
    words: set[str]


_FLAG_WORDS = frozenset(
    [
        "endless",
        "one-by-one",
        "drip",
        "slow",
        "silence",
        "unsigned",
        "swapped",
        "wrong-mac",
        "other-key",
        "other-algorithm",
        "late",
        "early",
        "slightly-late",
        "first",
        "again",
    ]
)


def _read(line: str) -> _Line:
    words = line.split()
    options = dict(word.split("=", 1) for word in words if "=" in word)
    plain = {word for word in words if word in _FLAG_WORDS}
    left = [word for word in words if "=" not in word and word not in _FLAG_WORDS]
    return _Line(list(_expanded(" ".join(left))), options, plain)


def script(stream: Stream, query: bytes) -> Iterator[bytes | str]:
    """The answer to `query`: messages, and between them "drip", "slow" and "silence" for what comes
    over the time."""
    sign = _Signer(query) if stream.key else None
    asked = read_question(query)
    before = b""
    for line in map(_read, stream.messages):
        yield from sorted(line.words & {"drip", "slow", "silence"})
        if "silence" in line.words:
            continue
        groups = [line.records]
        if "one-by-one" in line.words:
            groups = [[record] for record in line.records]
        repeat = -1 if "endless" in line.words else int(line.options.get("times", 1))
        while repeat:
            for group in groups:
                if "again" not in line.words:
                    plain = _message(query, asked.name, group, line.options)
                    before = plain if sign is None else sign(plain, line)
                yield before
            repeat -= 1


def _message(query: bytes, origin: bytes, records: list[str], options: dict[str, str]) -> bytes:
    body = [_octets(record) for record in records]
    query_id = int.from_bytes(query[:2], "big") ^ ("id" in options)
    flags = 0x8400 | _CODES[options.get("rcode", "NOERROR")] | int(options.get("opcode", 0)) << 11
    flag = options.get("flag", "")
    if flag.startswith("-"):
        flags &= ~FLAGS[flag[1:]]
    elif flag:
        flags |= FLAGS[flag]
    qtype = read_question(query).qtype
    if "qtype" in options:
        qtype = int(dns.rdatatype.from_text(options["qtype"]))
    question = names.from_text(options["qname"]) if "qname" in options else origin
    count = int(options.get("questions", 1))
    if not count:
        body = [_written_out(record, origin) for record in body]
    header = struct.pack(
        ">HHHHHH", query_id, flags, count, int(options.get("count", len(body))), 0, 0
    )
    message = header + (question + struct.pack(">HH", qtype, 1)) * count + b"".join(body)
    size = int(options.get("size", len(message) - int(options.get("cut", 0))))
    return message[:size]


def _written_out(record: bytes, origin: bytes) -> bytes:
    place = record.index(b"\xc0\x0c")
    return record[:place] + origin + record[place + 2 :]


class _Signer:
    """Signs messages, well or as their words say."""

    def __init__(self, query: bytes) -> None:
        verified = verify(query, {KEY.name: KEY}, time.time())
        assert isinstance(verified, Verified), "the query is signed"
        self._mac = _mac_of(query)
        self._chain = Chain(KEY, self._mac)
        self._started = False

    def __call__(self, message: bytes, line: _Line) -> bytes:
        words = line.words
        if "unsigned" in words:
            covered = message if "swapped" not in words else message[:-1] + b"\x00"
            if self._started:
                self._chain.skip(covered)
            return message
        error = ERRORS.get(line.options.get("error", ""), 0)
        moved = next((_CLOCKS[word] for word in words if word in _CLOCKS), 0)
        tsig = unsigned(KEY, int(time.time()) + moved, message, error)
        if error in (16, 17):
            return append(message, tsig)  # these go unsigned (RFC 8945 §5.3.2)
        chain = Chain(KEY, self._mac) if "first" in words else self._chain
        mac = chain.mac(message, tsig)
        chain.accept()
        self._started = True
        if "wrong-mac" in words:
            mac = bytes((mac[0] ^ 1,)) + mac[1:]
        return append(message, _renamed(tsig, words)._replace(mac=mac))


def _renamed(tsig: Tsig, words: set[str]) -> Tsig:
    if "other-key" in words:
        return tsig._replace(name=names.from_text("other.example."))
    if "other-algorithm" in words:
        return tsig._replace(algorithm_name=names.from_text("hmac-sha512."))
    return tsig


def _mac_of(query: bytes) -> bytes:
    tsig = find(query)
    assert tsig is not None
    return tsig.mac


def good(words: str, query: bytes) -> Iterator[bytes | str]:
    """A whole and faultless zone in answer to `query`, whatever it asks for."""
    soa_word = words.split()[0]
    return script(Stream("good", "", [f"{words} {soa_word}"]), query)


def is_axfr(query: bytes) -> bool:
    return read_question(query).qtype == rd.AXFR
