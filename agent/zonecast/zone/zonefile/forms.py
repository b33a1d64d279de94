"""What the text of a record has to look like beyond what its parser asks for.

Strings may be quoted; a name, a number or an address in quotes is refused, as named does. So are
forms that dnspython reads and that no standard allows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

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


def check_form(rtype: int, found: Sequence[Token], *, generic: bool) -> None:
    """Raises RdataError where rdata is not what its type's standard has; `generic` is whether it is
    written as octets (RFC 3597 §5)."""
    if rtype in (rd.MD, rd.MF):
        message = f"type {rd.type_to_text(rtype)} is obsolete and cannot be in a zone"
        raise RdataError(message, -1, "write an MX record", kind="unknown-type")
    if any(token.quoted for token in found):
        _check_quotes(rtype, found, generic=generic)
    check = _CHECKS.get(rtype)
    if check is not None and not generic:
        check(found)


def _check_quotes(rtype: int, found: Sequence[Token], *, generic: bool) -> None:
    strings = _NONE if generic else _STRINGS.get(rtype, _NONE)
    for index, token in enumerate(found):
        if token.quoted and index not in strings:
            raise RdataError(_quoted(token), index, _REMOVE)


def _x25(found: Sequence[Token]) -> None:
    """RFC 1183 §3.1: an address of X.121, which has four digits at least."""
    for index, token in enumerate(found):
        if not token.raw.isdigit() or len(token.raw) < 4:
            message = f"'{show(token.raw)}' is no X.25 address"
            raise RdataError(message, index, "write four digits or more")


def _apl(found: Sequence[Token]) -> None:
    """RFC 3123 §4 has a text for IPv4 and IPv6 alone."""
    for index, token in enumerate(found):
        if token.raw.removeprefix(b"!").partition(b":")[0] not in (b"1", b"2"):
            message = f"'{show(token.raw)}' is of neither address family 1 nor 2"
            raise RdataError(message, index, "write 1:192.0.2.0/24 or 2:2001:db8::/32")


def _nsec(found: Sequence[Token]) -> None:
    """RFC 4034 §4.1.2: it has the types NSEC and RRSIG itself."""
    if len(found) == 1:
        raise RdataError("NSEC without types", 1, "write those that are at its owner")


def _rrsig(found: Sequence[Token]) -> None:
    """RFC 4034 §3.2: the original TTL is a number."""
    if len(found) > 3 and not found[3].raw.isdigit():
        message = f"original TTL '{show(found[3].raw)}' is not a number"
        raise RdataError(message, 3, "write seconds, as signed")


def _uri(found: Sequence[Token]) -> None:
    """RFC 7553 §4.4."""
    if len(found) > 2 and not found[2].quoted:
        raise RdataError("the URI is not quoted", 2, 'write it as "…"')


_CHECKS: dict[int, Callable[[Sequence[Token]], None]] = {
    19: _x25,
    42: _apl,
    rd.SIG: _rrsig,
    rd.RRSIG: _rrsig,
    rd.NSEC: _nsec,
    256: _uri,
}
