"""SOA rdata from master-file text (RFC 1035 §3.3.13). The timers may have units."""

from __future__ import annotations

from zonecast.zone.zonefile.rdata import (
    Names,
    RdataError,
    Words,
    exactly,
    read_name,
    read_number,
    read_ttl,
    show,
)

SERIAL_WORD = 2

_WORDS = ("primary", "mailbox", "serial", "refresh", "retry", "expire", "minimum")
_LIMIT = (1 << 32) - 1


def read_soa(words: Words, reader: Names) -> bytes:
    """The rdata of a SOA. Raises RdataError."""
    if len(words) < len(_WORDS):
        remedy = f"write {', '.join(_WORDS[:-1])} and {_WORDS[-1]}"
        raise RdataError(f"the SOA's {_WORDS[len(words)]} is missing", len(words), remedy)
    exactly(words, len(_WORDS), "seven values")
    parts = [read_name(words, 0, reader), read_name(words, 1, reader), _serial(words)]
    for index in range(SERIAL_WORD + 1, len(_WORDS)):
        seconds = read_ttl(words[index])
        if seconds is None or seconds > _LIMIT:
            message = f"{_WORDS[index]} '{show(words[index])}' is no time"
            raise RdataError(message, index, "write seconds, or units such as 1h30m")
        parts.append(seconds.to_bytes(4, "big"))
    return b"".join(parts)


def _serial(words: Words) -> bytes:
    try:
        return read_number(words, SERIAL_WORD, _LIMIT, "serial").to_bytes(4, "big")
    except RdataError as error:
        if words[SERIAL_WORD].isdigit():
            error.kind = "serial-too-large"
            error.remedy = "a serial has 32 bits, which is up to 4294967295"
        raise
