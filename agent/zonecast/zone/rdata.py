"""Where the names stand inside rdata, and what follows from it.

A layout lists an rdata's leading fields: `N` a name that may be compressed on the wire
(RFC 3597 §4: the types of RFC 1035 alone), `n` a name that is never compressed when sent but
whose case does not count (RFC 4034 §6.2 as amended by RFC 6840 §5.1), `x` a name whose case
counts, `s` a character-string, a digit that many octets. What follows the last field is opaque.
"""

from __future__ import annotations

from zonecast.errors import WireError

A, NS, MD, MF, CNAME, SOA, MB, MG, MR = 1, 2, 3, 4, 5, 6, 7, 8, 9
PTR, MINFO, MX, TXT, RP, AFSDB, RT, SIG, PX, AAAA, NXT = 12, 14, 15, 16, 17, 18, 21, 24, 26, 28, 30
SRV, NAPTR, KX, DNAME, OPT, DS, RRSIG, NSEC, DNSKEY = 33, 35, 36, 39, 41, 43, 46, 47, 48
NSEC3, NSEC3PARAM, SVCB, HTTPS, CAA = 50, 51, 64, 65, 257
TSIG, IXFR, AXFR, ANY = 250, 251, 252, 255

# What may stand beside a CNAME: what signs it and proves it (RFC 4034 §§3, 4), and a KEY, which
# RFC 3007 §3.1.1 lets clients use and named accepts.
BESIDE_CNAME = frozenset((CNAME, RRSIG, NSEC, SIG, NXT, 25))

LAYOUTS: dict[int, str] = {
    NS: "N",
    MD: "N",
    MF: "N",
    CNAME: "N",
    SOA: "NN",
    MB: "N",
    MG: "N",
    MR: "N",
    PTR: "N",
    MINFO: "NN",
    MX: "2N",
    RP: "nn",
    AFSDB: "2n",
    RT: "2n",
    SIG: "882n",
    PX: "2nn",
    NXT: "n",
    SRV: "6n",
    NAPTR: "4sssn",
    KX: "2n",
    DNAME: "n",
    RRSIG: "882n",
    NSEC: "x",
    SVCB: "2x",
    HTTPS: "2x",
}

# Types whose targets' addresses belong in the additional section: NS, MX, SRV and the like.
TARGET_TYPES = frozenset((NS, MX, SRV, SVCB, HTTPS, AFSDB, RT, KX, PX, NAPTR))


def fields(rtype: int, rdata: bytes) -> list[tuple[str, int, int]]:
    """(field kind, start, end) of the leading fields of uncompressed rdata.

    Raises WireError where the rdata is shorter than its layout.
    """
    found = []
    position = 0
    size = len(rdata)
    for kind in LAYOUTS.get(rtype, ""):
        start = position
        if kind.isdigit():
            position += int(kind)
        elif kind == "s":
            position += 1 + rdata[position] if position < size else 1
        else:
            position = _name_end(rdata, position)
        if position > size:
            raise WireError(f"rdata of type {rtype} is too short")
        found.append((kind, start, position))
    return found


def _name_end(rdata: bytes, position: int) -> int:
    size = len(rdata)
    while position < size:
        length = rdata[position]
        if length > 63:
            raise WireError("compressed or malformed name inside stored rdata")
        position += 1 + length
        if not length:
            return position
    raise WireError("name runs past the end of rdata")


def names(rtype: int, rdata: bytes) -> list[bytes]:
    """The names inside uncompressed rdata, in order, case kept."""
    return [rdata[a:b] for kind, a, b in fields(rtype, rdata) if kind in "Nnx"]


def canonical(rtype: int, rdata: bytes) -> bytes:
    """Rdata for comparison: names lower-cased where their case does not count (RFC 4034 §6.2)."""
    layout = LAYOUTS.get(rtype)
    if layout is None or layout in ("x", "2x"):
        return rdata
    if layout in ("N", "n", "2N", "2n", "6n"):
        head = 0 if len(layout) == 1 else int(layout[0])
        return rdata[:head] + rdata[head:].lower()
    parts = []
    position = 0
    for kind, start, end in fields(rtype, rdata):
        parts.append(rdata[start:end].lower() if kind in "Nn" else rdata[start:end])
        position = end
    parts.append(rdata[position:])
    return b"".join(parts)


def read_name(message: bytes, position: int) -> tuple[bytes, int]:
    """The name at `position` of a message, decompressed, and where reading goes on (RFC 1035 §4.1.4).

    Pointers must point backwards, so that none can loop. Raises WireError.
    """
    parts = []
    total = 1
    after = -1
    limit = position
    size = len(message)
    while True:
        if position >= size:
            raise WireError("name runs past the end of the message")
        length = message[position]
        if not length:
            break
        if length < 64:
            parts.append(message[position : position + 1 + length])
            position += 1 + length
            total += 1 + length
            if total > 255 or position > size:
                raise WireError("name longer than 255 octets or past the end of the message")
        elif length >= 192:
            if position + 1 >= size:
                raise WireError("compression pointer runs past the end of the message")
            if after < 0:
                after = position + 2
            position = (length & 63) << 8 | message[position + 1]
            if position >= limit:
                raise WireError("compression pointer does not point backwards")
            limit = position
        else:
            raise WireError("label type that RFC 1035 does not know")
    parts.append(b"\x00")
    return b"".join(parts), after if after >= 0 else position + 1


def decompress(message: bytes, start: int, end: int, rtype: int) -> bytes:
    """The rdata at message[start:end] with its names written out. Raises WireError."""
    layout = LAYOUTS.get(rtype)
    if layout is None:
        return message[start:end]
    parts = []
    position = start
    for kind in layout:
        before = position
        if kind.isdigit():
            position += int(kind)
            parts.append(message[before:position])
        elif kind == "s":
            position += 1 + message[position] if position < end else 1
            parts.append(message[before:position])
        else:
            name, position = read_name(message, position)
            parts.append(name)
        if position > end:
            raise WireError(f"rdata of type {rtype} is too short")
    parts.append(message[position:end])
    return b"".join(parts)


def type_to_text(rtype: int) -> str:
    """A type's mnemonic, or TYPE123 (RFC 3597 §5)."""
    return _MNEMONICS.get(rtype) or f"TYPE{rtype}"


_MNEMONICS = {
    1: "A", 2: "NS", 3: "MD", 4: "MF", 5: "CNAME", 6: "SOA", 7: "MB", 8: "MG", 9: "MR",
    12: "PTR", 13: "HINFO", 14: "MINFO", 15: "MX", 16: "TXT", 17: "RP", 18: "AFSDB", 24: "SIG",
    25: "KEY", 28: "AAAA", 29: "LOC", 30: "NXT", 33: "SRV", 35: "NAPTR", 36: "KX", 37: "CERT",
    38: "A6", 39: "DNAME", 41: "OPT", 42: "APL", 43: "DS", 44: "SSHFP",
    45: "IPSECKEY", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 49: "DHCID", 50: "NSEC3",
    51: "NSEC3PARAM", 52: "TLSA", 53: "SMIMEA", 55: "HIP", 59: "CDS", 60: "CDNSKEY",
    61: "OPENPGPKEY", 62: "CSYNC", 63: "ZONEMD", 64: "SVCB", 65: "HTTPS", 99: "SPF",
    108: "EUI48", 109: "EUI64", 250: "TSIG", 251: "IXFR", 252: "AXFR", 255: "ANY", 256: "URI",
    257: "CAA",
}  # fmt: skip
