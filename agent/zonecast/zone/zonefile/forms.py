"""What the text of a record has to look like beyond what its parser asks for: where words may be
quoted. Strings may; a name, a number or an address in quotes is refused, as named does."""

from __future__ import annotations

from collections.abc import Sequence

from zonecast.zone import rdata as rd
from zonecast.zone.zonefile.rdata import RdataError, show
from zonecast.zone.zonefile.records import RecordError
from zonecast.zone.zonefile.tokens import Token

_REMOVE = "remove the quotes"
_ALL = range(1 << 16)
# The words of a type's rdata that are strings.
_STRINGS: dict[int, range] = {
    rd.TXT: _ALL,
    13: _ALL,  # HINFO
    19: _ALL,  # X25
    20: _ALL,  # ISDN
    27: _ALL,  # GPOS
    35: range(2, 5),  # NAPTR: flags, services and the expression
    56: _ALL,  # NINFO
    64: _ALL[2:],  # SVCB: the values of its parameters
    65: _ALL[2:],  # HTTPS
    99: _ALL,  # SPF
    256: _ALL[2:],  # URI: the target
    rd.CAA: _ALL[2:],  # the value
    258: _ALL,  # AVC
    261: _ALL,  # RESINFO
    262: _ALL,  # WALLET
}
_NONE = range(0)


def check_bare(found: Sequence[Token], start: int, end: int) -> None:
    """Raises RecordError where one of the tokens from `start` up to `end` is quoted."""
    for index in range(start, min(end, len(found))):
        if found[index].quoted:
            raise RecordError("syntax", _quoted(found[index]), index, _REMOVE)


def _quoted(token: Token) -> str:
    return f"""'"{show(token.raw)}"' is quoted and no character-string"""


def check_quotes(rtype: int, found: Sequence[Token], *, generic: bool) -> None:
    """Raises RdataError where a word of the rdata is quoted that is no string; `generic` is
    whether it is written as octets (RFC 3597 §5)."""
    strings = _NONE if generic else _STRINGS.get(rtype, _NONE)
    for index, token in enumerate(found):
        if token.quoted and index not in strings:
            raise RdataError(_quoted(token), index, _REMOVE)
