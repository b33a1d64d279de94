"""Other people's programs that tests run against, and ports to run them on.

A missing program skips the test visibly; with ZONECAST_REQUIRE_PEERS=1, as in CI, it fails it.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
from functools import cache
from itertools import count
from typing import NoReturn

import pytest

# Which Debian package holds a program; .ci/debian-packages names them all.
PACKAGES = {
    "delv": "bind9-dnsutils",
    "dig": "bind9-dnsutils",
    "dnssec-keygen": "bind9-utils",
    "dnssec-signzone": "bind9-utils",
    "dnsperf": "dnsperf",
    "drill": "ldnsutils",
    "kdig": "knot-dnsutils",
    "keymgr": "knot",
    "knotc": "knot",
    "knotd": "knot",
    "kzonecheck": "knot-dnssecutils",
    "kzonesign": "knot-dnssecutils",
    "ldns-compare-zones": "ldnsutils",
    "ldns-keygen": "ldnsutils",
    "ldns-signzone": "ldnsutils",
    "named": "bind9",
    "named-checkconf": "bind9-utils",
    "named-checkzone": "bind9-utils",
    "nsd": "nsd",
    "nsd-checkzone": "nsd",
    "nsd-control": "nsd",
    "nsupdate": "bind9-dnsutils",
    "openssl": "openssl",
    "pdns_control": "pdns-server",
    "pdns_server": "pdns-server",
    "pdnsutil": "pdns-server",
    "rndc": "bind9-utils",
    "systemd-analyze": "systemd",
    "systemd-sysusers": "systemd",
    "tsig-keygen": "bind9",
}

# Servers live in sbin, which is not in every user's PATH.
_SEARCH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"])


def require(program: str) -> str:
    """The path of a program of PACKAGES, or the end of this test."""
    package = PACKAGES[program]
    found = shutil.which(program, path=_SEARCH)
    if found is None:
        lack(f"{program} is not installed (Debian package {package})")
    return found


def require_library(name: str, package: str) -> ctypes.CDLL:
    """A shared library by its file name, or the end of this test."""
    try:
        return ctypes.CDLL(name)
    except OSError:
        lack(f"{name} is not installed (Debian package {package})")


def lack(reason: str) -> NoReturn:
    """End this test for want of something."""
    if os.environ.get("ZONECAST_REQUIRE_PEERS") == "1":
        pytest.fail(f"{reason}, and ZONECAST_REQUIRE_PEERS=1", pytrace=False)
    pytest.skip(reason)


# Below the ephemeral ports, so that no outgoing connection of anybody takes one meanwhile; each
# process starts somewhere else and never gives out a port twice.
_FIRST, _SIZE = 10_000, 20_000
_offsets = count(os.getpid() * 97)


def free_port() -> int:
    """A port that is free on loopback, both for UDP and for TCP, over IPv4 and over IPv6."""
    for offset in _offsets:
        port = _FIRST + offset % _SIZE
        if _is_free(port):
            return port
    raise AssertionError("count() does not end")


@cache
def has_ipv6() -> bool:
    """Whether this machine has the IPv6 loopback address."""
    return socket.has_ipv6 and _can_bind(socket.AF_INET6, socket.SOCK_DGRAM, 0)


def _is_free(port: int) -> bool:
    families = (socket.AF_INET, socket.AF_INET6) if has_ipv6() else (socket.AF_INET,)
    kinds = (socket.SOCK_DGRAM, socket.SOCK_STREAM)
    return all(_can_bind(family, kind, port) for family in families for kind in kinds)


def _can_bind(family: socket.AddressFamily, kind: socket.SocketKind, port: int) -> bool:
    with socket.socket(family, kind) as sock:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            sock.bind(("127.0.0.1" if family == socket.AF_INET else "::1", port))
        except OSError:
            return False
    return True
