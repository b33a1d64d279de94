"""Configured peers in the forms that our own code wants: a key to sign with, a primary to ask, and
that primary as a puller's job carries it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, NamedTuple

from zonecast.config.values import Endpoint, read_endpoint
from zonecast.protocol.transfer_in import Limits
from zonecast.protocol.tsig import Key, make_key
from zonecast.zone import names

if TYPE_CHECKING:
    from zonecast.config import Config
    from zonecast.config.tables import PeerConfig, PrimaryConfig

# The most seconds that a transfer may take where nothing else is said.
LONGEST = 3600.0


class Tls(NamedTuple):
    """How a primary is spoken to over TLS (RFC 9103). Strictly: never in clear, and only with who
    has a key of `pins`, where there are any, and a certificate for `name` ("": the address) by an
    authority of `authorities` ("": the system's), where `by_authority`. Otherwise whoever answers
    there is taken, and clear text where nobody does. Files are paths, "" for none."""

    port: int
    strict: bool
    pins: tuple[str, ...] = ()
    by_authority: bool = False
    name: str = ""
    authorities: str = ""
    certificate: str = ""
    certificate_key: str = ""


class Primary(NamedTuple):
    """A primary to ask; `port` is the one in clear. `longest` is the most seconds that a transfer
    from it may take."""

    name: str
    host: str
    port: int
    key: Key | None
    tls: Tls | None = None
    limits: Limits = Limits()
    longest: float = LONGEST

    def __str__(self) -> str:
        return self.name


def signing_key(config: Config, peer: PeerConfig) -> Key | None:
    """The key that requests to a peer are signed with: the first of its keys."""
    if not peer.keys:
        return None
    key = config.key_named(peer.keys[0])
    return Key(key.name, key.algorithm, key.secret())


def primary_of(config: Config, peer: PrimaryConfig) -> Primary:
    """A configured primary. Raises ConfigError where its key cannot be read."""
    host, port = peer.address
    limits = Limits(peer.max_octets, peer.max_records)
    return Primary(
        peer.name, host, port, signing_key(config, peer), _tls(peer), limits, peer.max_time
    )


def _tls(peer: PrimaryConfig) -> Tls | None:
    if peer.tls == "off":
        return None
    return Tls(
        peer.tls_port,
        peer.tls == "strict",
        peer.pins,
        peer.ca_file is not None or bool(peer.authentication_name),
        peer.authentication_name,
        str(peer.ca_file or ""),
        str(peer.certificate_file or ""),
        str(peer.key_file or ""),
    )


def to_message(primary: Primary) -> dict[str, Any]:
    """A primary as JSON."""
    key = primary.key
    return {
        "name": primary.name,
        "address": str(Endpoint(primary.host, primary.port)),
        "key": None
        if key is None
        else {
            "name": names.to_text(key.name),
            "algorithm": key.algorithm,
            "secret": base64.b64encode(key.secret).decode(),
        },
        "tls": None if primary.tls is None else list(primary.tls),
        "limits": list(primary.limits),
        "longest": primary.longest,
    }


def from_message(fields: dict[str, Any]) -> Primary:
    """A primary from its JSON. Raises ConfigError, BadNameError."""
    place = read_endpoint(fields["address"])
    key, tls = fields["key"], fields.get("tls")
    return Primary(
        fields["name"],
        place.host,
        place.port,
        None if key is None else make_key(key["name"], key["algorithm"], key["secret"]),
        None if tls is None else Tls._make([tls[0], tls[1], tuple(tls[2]), *tls[3:]]),
        Limits(*fields.get("limits", ())),
        fields.get("longest", LONGEST),
    )
