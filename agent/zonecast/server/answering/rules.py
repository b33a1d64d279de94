"""What a worker knows of the configuration: keys and who may transfer or notify.

Arrives as JSON from the controller, at the start and with every reload.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from zonecast.protocol.access import Access, Peer
from zonecast.protocol.tsig_record import Key, make_key
from zonecast.zone import names


class Rules(NamedTuple):
    """TSIG keys by lower-case wire name, and the access rules."""

    keys: dict[bytes, Key]
    access: Access


def read_rules(settings: dict[str, Any]) -> Rules:
    """The rules in a settings message. Raises ConfigError, BadNameError."""
    keys = [make_key(key["name"], key["algorithm"], key["secret"]) for key in settings["keys"]]
    access = Access(map(_peer, settings["secondaries"]), map(_peer, settings["primaries"]))
    return Rules({key.name: key for key in keys}, access)


def _peer(peer: dict[str, Any]) -> Peer:
    host = peer["address"].rpartition(":")[0].strip("[]")
    keys = frozenset(names.from_text(key).lower() for key in peer["keys"])
    return Peer(peer["name"], host, keys)
