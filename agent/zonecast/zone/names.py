"""Domain names as octets (RFC 1035 §3.1), and the keys that sort them canonically (RFC 4034 §6.1).

Three forms are used throughout:

- a *name* is an absolute name in uncompressed wire form, case kept, ending in the root's zero
  octet: `b"\\x03www\\x07example\\x03com\\x00"`. Length octets are below 64 and so never letters:
  `name.lower()` lower-cases a name and nothing else.
- an *owner* is a name relative to its zone's origin: the labels before the origin, with no
  closing zero; `b""` at the apex.
- a *node key* is an owner reversed, lower-cased and escaped, so that plain octet order is
  canonical order and a node's key is a prefix of the keys of everything below it. Each label
  ends in 0x00; inside a label 0x00 becomes 0x01 0x01 and 0x01 becomes 0x01 0x02.
"""

from __future__ import annotations

from zonecast.errors import BadNameError

ROOT = b"\x00"
MAX_NAME = 255
MAX_LABEL = 63

_SPECIAL = frozenset(b'.\\"();@$')


def from_text(text: str, origin: bytes | None = None) -> bytes:
    """The name that `text` writes in a master file (RFC 1035 §5.1), relative to `origin`.

    Raises BadNameError for an empty or too long label, a name over 255 octets, a bad escape,
    characters outside ASCII, or a relative name where `origin` is None.
    """
    if text == "@":
        if origin is None:
            raise BadNameError("'@' without an origin", remedy="write the whole name")
        return origin
    if text == ".":
        return ROOT
    labels, absolute = _split(text)
    wire = b"".join(bytes((len(label),)) + label for label in labels)
    if not absolute and origin is None:
        raise BadNameError(f"'{text}' is relative and there is no origin", remedy="end it in a dot")
    wire += ROOT if absolute or origin is None else origin
    if len(wire) > MAX_NAME:
        raise BadNameError(
            f"'{text}' is longer than 255 octets",
            remedy="shorten it; where it was whole before the origin, end it in a dot",
        )
    return wire


def _split(text: str) -> tuple[list[bytes], bool]:
    try:
        octets = text.encode("ascii")
    except UnicodeEncodeError:
        raise BadNameError(
            f"'{text}' has characters outside ASCII",
            remedy="write internationalised names as A-labels (xn--…)",
        ) from None
    if b"\\" in octets:
        labels, absolute = _split_escaped(octets, text)
    else:
        absolute = octets.endswith(b".")
        labels = (octets[:-1] if absolute else octets).split(b".")
    for label in labels:
        if not label:
            remedy = "write one dot between labels and none before the first"
            raise BadNameError(f"'{text}' has an empty label", remedy=remedy)
        if len(label) > MAX_LABEL:
            remedy = "shorten it, or divide it with a dot"
            raise BadNameError(f"'{text}' has a label longer than 63 octets", remedy=remedy)
    return labels, absolute


def _split_escaped(octets: bytes, text: str) -> tuple[list[bytes], bool]:
    labels: list[bytes] = []
    label = bytearray()
    absolute = False
    position = 0
    while position < len(octets):
        octet = octets[position]
        position += 1
        absolute = False
        if octet == 0x2E:
            labels.append(bytes(label))
            label.clear()
            absolute = True
        elif octet == 0x5C:
            value, position = unescape(octets, position, text)
            label.append(value)
        else:
            label.append(octet)
    if not absolute:
        labels.append(bytes(label))
    return labels, absolute


def unescape(octets: bytes, position: int, text: str) -> tuple[int, int]:
    """The octet that the escape after a backslash at `position - 1` means, and the place after it."""
    digits = octets[position : position + 3]
    if digits[:1].isdigit():
        if len(digits) < 3 or not digits.isdigit() or int(digits) > 255:
            raise BadNameError(f"'{text}' has a bad escape", remedy="write \\DDD, 000 to 255")
        return int(digits), position + 3
    if not digits:
        remedy = "remove it, or write two where the name has one"
        raise BadNameError(f"'{text}' ends in a lone backslash", remedy=remedy)
    return digits[0], position + 1


def to_text(name: bytes) -> str:
    """A name as a master file writes it, with the final dot; escapes what would be read otherwise."""
    if name == ROOT:
        return "."
    return "".join(label_text(label) + "." for label in labels(name))


def owner_text(owner: bytes, origin: bytes) -> str:
    """An owner as an absolute name in text."""
    return to_text(owner + origin)


def label_text(label: bytes) -> str:
    """One label as a master file writes it."""
    if label.isalnum():
        return label.decode("ascii")
    parts = []
    for octet in label:
        if octet in _SPECIAL:
            parts.append("\\" + chr(octet))
        elif 0x21 <= octet <= 0x7E:
            parts.append(chr(octet))
        else:
            parts.append(f"\\{octet:03d}")
    return "".join(parts)


def labels(name: bytes) -> list[bytes]:
    """The labels of a name or owner, leftmost first, without the root's."""
    found = []
    position = 0
    end = len(name)
    while position < end:
        length = name[position]
        if not length:
            break
        position += 1
        found.append(name[position : position + length])
        position += length
    return found


def suffixes(name: bytes) -> list[bytes]:
    """The name and each of its ancestors, the root last."""
    found = []
    position = 0
    while name[position]:
        found.append(name[position:])
        position += name[position] + 1
    found.append(ROOT)
    return found


def relative(name: bytes, origin: bytes) -> bytes | None:
    """The owner of `name` in the zone at `origin`; None where it lies outside. Case-insensitive."""
    cut = len(name) - len(origin)
    if cut < 0 or name[cut:].lower() != origin.lower():
        return None
    position = 0
    while position < cut:
        position += name[position] + 1
    return name[:cut] if position == cut else None


def node_key(owner: bytes) -> bytes:
    """The node key of an owner (see the module's text); at most 504 octets."""
    if not owner:
        return b""
    label = owner[1:].lower()
    if owner[0] == len(label) and b"\x00" not in label and b"\x01" not in label:
        return label + b"\x00"  # as most owners are
    lowered = owner.lower()
    if b"\x00" in lowered or b"\x01" in lowered:
        parts = [
            label.replace(b"\x01", b"\x01\x02").replace(b"\x00", b"\x01\x01")
            for label in labels(lowered)
        ]
    else:
        parts = labels(lowered)
    parts.reverse()
    return b"\x00".join(parts) + b"\x00"


def owner_of_node(key: bytes) -> bytes:
    """The (lower-cased) owner whose node key this is."""
    if not key:
        return b""
    parts = key[:-1].split(b"\x00")
    parts.reverse()
    owner = []
    for part in parts:
        label = part.replace(b"\x01\x01", b"\x00").replace(b"\x01\x02", b"\x01")
        owner.append(bytes((len(label),)) + label)
    return b"".join(owner)


def parent_node(key: bytes) -> bytes:
    """The node key one label up; the apex's is its own parent."""
    if not key:
        return b""
    return key[: key.rfind(b"\x00", 0, len(key) - 1) + 1]
