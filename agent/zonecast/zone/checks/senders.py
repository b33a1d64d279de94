"""How many look-ups an SPF record takes, records that it includes counted in (RFC 7208 §4.6.4)."""

from __future__ import annotations

import re
from collections.abc import Callable

from zonecast.errors import BadNameError
from zonecast.zone import names

_TERM = re.compile(r"[-+~?]?(include|a|mx|ptr|exists|redirect)(?=[:=/]|$)[:=]?(\S*)", re.IGNORECASE)
# Counting ends here: records that include each other crosswise would take for ever.
_ENOUGH = 100


def lookups(owner: bytes, text: str, record: Callable[[bytes], str | None]) -> int:
    """The look-ups of the SPF record `text` at a name (lower-cased). `record` gives another
    name's record, None where it is not known: then the include counts as one."""
    count = 0
    waiting = [text]
    seen = {owner}
    while waiting and count < _ENOUGH:
        current = waiting.pop()
        for term in current.split(" ")[1:]:
            match = _TERM.match(term)
            if match is None:
                continue
            count += 1
            name = _name(match[2]) if match[1].lower() in ("include", "redirect") else None
            if name is None or name in seen:
                continue
            seen.add(name)
            included = record(name)
            if included is not None:
                waiting.append(included)
    return count


def _name(text: str) -> bytes | None:
    try:
        return names.from_text(text, names.ROOT).lower()
    except BadNameError:  # a macro, which only the receiver can expand
        return None
