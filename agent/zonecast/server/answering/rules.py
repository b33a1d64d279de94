"""What a worker knows of the configuration: keys, who may transfer or notify, what it says of
itself.

Arrives as JSON from the controller, at the start and with every reload.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from zonecast.protocol.access import Access, Peer
from zonecast.protocol.tsig_record import Key, make_key
from zonecast.zone import names


class Site(NamedTuple):
    """What the server says about itself, `identity` and `version` of at most 255 octets (b"": it
    does not say), and its secrets for cookies, the first of which makes them.
    `require_cookies`: a query over UDP whose cookie does not verify gets BADCOOKIE. `awaited`:
    the lower-cased origins that the configuration names, whether they were pulled or not. `idle`:
    for how many seconds a quiet connection is kept."""

    identity: bytes = b""
    version: bytes = b""
    cookie_secrets: tuple[bytes, ...] = ()
    require_cookies: bool = False
    awaited: frozenset[bytes] = frozenset()
    idle: float = 10.0


class Bounds(NamedTuple):
    """What clients may hold on to over streams: connections in all and of one client, of each
    worker; seconds between queries (RFC 7766 §6.2.3), for the rest of a query or a handshake, for
    what is buffered of a reply to be taken."""

    connections: int = 4096
    connections_per_client: int = 128
    idle: float = 10.0
    query: float = 5.0
    reply: float = 30.0


class Rules(NamedTuple):
    """TSIG keys by lower-case wire name, the access rules, and what the server says of itself."""

    keys: dict[bytes, Key]
    access: Access
    site: Site = Site()


def read_rules(
    settings: dict[str, Any], *, encrypted: bool = False, transfers: bool = True
) -> Rules:
    """The rules in a settings message, for a transport that is `encrypted` or not, so that
    secondaries of which TLS is wanted have it; without `transfers` there are no secondaries.
    Raises ConfigError, BadNameError."""
    secondaries = [
        peer
        for peer in settings["secondaries"]
        if transfers and (encrypted or not (peer.get("tls") or _is_certified(peer)))
    ]
    keys = [make_key(key["name"], key["algorithm"], key["secret"]) for key in settings["keys"]]
    access = Access(map(_peer, secondaries), map(_peer, settings["primaries"]))
    site = _site(settings.get("site", {}), read_bounds(settings).idle)
    return Rules({key.name: key for key in keys}, access, site)


def read_bounds(settings: dict[str, Any]) -> Bounds:
    """The bounds of streams in a settings message."""
    return Bounds(**settings.get("limits", {}))


def _site(settings: dict[str, Any], idle: float) -> Site:
    return Site(
        settings.get("identity", "").encode(),
        settings.get("version", "").encode(),
        tuple(bytes.fromhex(secret) for secret in settings.get("cookie-secrets", ())),
        settings.get("require-cookies", False),
        frozenset(names.from_text(name).lower() for name in settings.get("awaited", ())),
        idle,
    )


def _peer(peer: dict[str, Any]) -> Peer:
    host = peer["address"].rpartition(":")[0].strip("[]")
    keys = frozenset(names.from_text(key).lower() for key in peer["keys"])
    pins = frozenset(peer.get("pins", ()))
    return Peer(peer["name"], host, keys, pins, peer.get("certificate-name", ""))


def _is_certified(peer: dict[str, Any]) -> bool:
    return bool(peer.get("pins") or peer.get("certificate-name"))
