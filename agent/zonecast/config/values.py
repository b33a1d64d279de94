"""What the options of the agent's configuration are made of: addresses, prefixes, names, paths."""

from __future__ import annotations

import base64
import ipaddress
import re
from pathlib import Path
from typing import Any, NamedTuple

from zonecast.options import text
from zonecast.zone import names

# Where nothing is said in clear (RFC 7858 §3.1).
TLS_PORT = 853

_BRACKETED = re.compile(r"\[([^]]*)\](?::([^]]+))?")
_PORT = re.compile(r"[0-9]{1,5}")
_BROADCAST = ipaddress.ip_address("255.255.255.255")
# What git check-ref-format refuses in a branch's name, and a dash before it.
_NO_BRANCH = re.compile(r"^[-/]|//|/$|\.$|\.\.|(^|/)\.|\.lock(/|$)|@\{|[\x00-\x20\x7f~^:?*\[\\]")


class Endpoint(NamedTuple):
    """An IP address and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_endpoint(value: Any, default: int = 53) -> Endpoint:
    """An address with or without a port: "192.0.2.1", "192.0.2.1:53", "[2001:db8::1]:53"."""
    written = text(value)
    host, port = written, str(default)
    if bracketed := _BRACKETED.fullmatch(written):
        host, port = bracketed[1], bracketed[2] or str(default)
    elif written.count(":") == 1:
        host, port = written.split(":")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise ValueError(f"'{written}' is no IP address with an optional port") from None
    if not _PORT.fullmatch(port) or not 0 < int(port) < 65536:
        raise ValueError(f"'{written}' has no port from 1 to 65535")
    return Endpoint(str(address), int(port))


def read_peer_endpoint(value: Any) -> Endpoint:
    """The same, of a server that is to be asked or told."""
    endpoint = read_endpoint(value)
    address = ipaddress.ip_address(endpoint.host)
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_unspecified or address.is_multicast or address == _BROADCAST:
        raise ValueError(f"{endpoint.host} is the address of no single server")
    return endpoint


def read_tls_endpoint(value: Any) -> Endpoint:
    """The same, with another port by default."""
    return read_endpoint(value, TLS_PORT)


def read_prefix(value: Any) -> str:
    """An address prefix, or an address: "192.0.2.0/24", "2001:db8::1". An IPv4 one inside IPv6
    (::ffff:192.0.2.0/120) is the IPv4 one, as clients are."""
    written = text(value)
    try:
        network = ipaddress.ip_network(written)
    except ValueError as error:
        raise ValueError(f"no address prefix: {error}") from None
    if isinstance(network, ipaddress.IPv6Network):
        if "%" in written:
            raise ValueError(f"no address prefix: '{written}' names an interface")
        mapped = network.network_address.ipv4_mapped
        if mapped is not None and network.prefixlen >= 96:
            return str(ipaddress.ip_network((mapped, network.prefixlen - 96)))
    return str(network)


def read_branch(value: Any) -> str:
    """The name of a branch, with or without "refs/heads/" before it."""
    written = text(value)
    if _NO_BRANCH.search(written):
        raise ValueError(f"{written!r} is no branch's name (git check-ref-format)")
    return written


def read_origin(value: Any) -> bytes:
    """A zone's name, with or without the final dot, lower-cased."""
    return names.from_text(text(value), names.ROOT).lower()


def read_host_name(value: Any) -> str:
    """A host's name as certificates have it: no final dot, lower-cased."""
    name = names.from_text(text(value), names.ROOT).lower()
    return names.to_text(name).rstrip(".")


def read_pin(value: Any) -> str:
    """The SHA-256 of a key in base64, with or without "sha256/" or "pin-sha256=" before it."""
    written = text(value)
    pin = written.removeprefix("sha256/").removeprefix("pin-sha256=").strip('"')
    try:
        octets = base64.b64decode(pin, validate=True)
    except ValueError:
        octets = b""
    if len(octets) != 32:
        raise ValueError(f"'{written}' is no SHA-256 in base64")
    return pin


def read_path(value: Any) -> Path:
    """An absolute path."""
    found = Path(text(value))
    if not found.is_absolute():
        raise ValueError(f"'{value}' is not an absolute path")
    return found


def read_phrase(value: Any) -> str:
    """Text of at most 255 octets, what one string of a TXT record holds."""
    found = text(value)
    if len(found.encode()) > 255:
        raise ValueError("longer than 255 octets")
    return found
