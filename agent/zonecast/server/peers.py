"""Configured peers in the two forms that our own code wants: a key to sign with, a puller's JSON."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from zonecast.protocol.tsig import Key
from zonecast.zone import names

if TYPE_CHECKING:
    from zonecast.config import Config
    from zonecast.config.tables import PeerConfig


def signing_key(config: Config, peer: PeerConfig) -> Key | None:
    """The key that requests to a peer are signed with: the first of its keys."""
    if not peer.keys:
        return None
    key = config.key_named(peer.keys[0])
    return Key(key.name, key.algorithm, key.secret())


def primary_message(peer: PeerConfig, key: Key | None) -> dict[str, Any]:
    """A primary as a puller's job names it, with the key to ask it with."""
    return {
        "name": peer.name,
        "address": str(peer.address),
        "key": None
        if key is None
        else {
            "name": names.to_text(key.name),
            "algorithm": key.algorithm,
            "secret": base64.b64encode(key.secret).decode(),
        },
    }
