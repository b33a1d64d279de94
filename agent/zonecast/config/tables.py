"""The tables of the agent's configuration: each class is one, each field an option (see `options`);
`docs/configuration.md` is held against them by a test. Secrets stay in their files until the agent
needs them.
"""

from __future__ import annotations

import base64
import stat
from dataclasses import dataclass
from pathlib import Path

from zonecast.config.values import (
    TLS_PORT,
    Endpoint,
    read_branch,
    read_host_name,
    read_origin,
    read_path,
    read_peer_endpoint,
    read_phrase,
    read_pin,
    read_prefix,
    read_tls_endpoint,
)
from zonecast.errors import ConfigError
from zonecast.options import (
    duration,
    flag,
    number,
    one_of,
    one_or_several,
    option,
    several,
    table_of,
    text,
    whole,
)

ALGORITHMS = ("hmac-sha256", "hmac-sha224", "hmac-sha384", "hmac-sha512")
MIN_SECRET_OCTETS = 16


@dataclass(frozen=True)
class KeyConfig:
    """[[key]]: a TSIG key (RFC 8945)."""

    name: bytes = option("the key's name, the same on both sides", read_origin)
    secret_file: Path = option("the file with its secret, base64 on one line", read_path)
    algorithm: str = option("the MAC", one_of(*ALGORITHMS), "hmac-sha256")

    def secret(self) -> bytes:
        """The secret, read from its file, which others must not be able to read.

        Raises ConfigError. Only the agent reads secrets: who asks for status need not be able to.
        """
        file = self.secret_file
        try:
            mode = file.stat().st_mode
            octets = base64.b64decode(file.read_text("ascii").strip(), validate=True)
        except OSError as error:
            raise ConfigError(
                f"the secret cannot be read: {error.strerror}", where=str(file)
            ) from None
        except ValueError:
            raise ConfigError(
                "holds no base64 text", where=str(file), remedy="make one with zonecast keygen"
            ) from None
        if mode & stat.S_IROTH:
            raise ConfigError(
                "everybody can read the secret", where=str(file), remedy=f"chmod o-rwx {file}"
            )
        if len(octets) < MIN_SECRET_OCTETS:
            raise ConfigError(
                f"the secret has less than {MIN_SECRET_OCTETS * 8} bits", where=str(file)
            )
        return octets


@dataclass(frozen=True)
class RepositoryConfig:
    """[[repository]]: a git repository of zones this agent is primary for."""

    path: Path | None = option("a local repository, bare or not", read_path, None)
    url: str = option("a remote repository, fetched", text, "")
    branch: str = option("the branch that is published", read_branch, "main")
    catalogs: tuple[bytes, ...] = option(
        "publish a catalog zone of this name (RFC 9432), or several",
        one_or_several(read_origin),
        (),
        key="catalog",
    )
    handover: float = option(
        "how long a catalog says to which other one a zone moved", duration, 7 * 86400.0
    )
    poll_interval: float = option("seconds between looks at the branch", duration, 15.0)
    ssh_key_file: Path | None = option("the private key for an ssh url", read_path, None)
    known_hosts: Path | None = option("the known_hosts file for an ssh url", read_path, None)
    token_file: Path | None = option("a file with a token for an https url", read_path, None)

    @property
    def name(self) -> str:
        """What the repository is called in status and store: its path or url."""
        return self.url or str(self.path)


@dataclass(frozen=True)
class PeerConfig:
    """What [[primary]] and [[secondary]] have in common."""

    name: str = option("what status calls it", text)
    address: Endpoint = option("IP address and port, 53 by default", read_peer_endpoint)
    keys: tuple[bytes, ...] = option(
        "names of [[key]]s; without, the address", several(read_origin), ()
    )


@dataclass(frozen=True)
class PrimaryConfig(PeerConfig):
    """[[primary]]: whom to pull from."""

    tls: str = option(
        "whether it is asked over TLS (RFC 9103)", one_of("off", "opportunistic", "strict"), "off"
    )
    tls_port: int = option("its port for TLS", whole(1, 65535), TLS_PORT)
    pins: tuple[str, ...] = option(
        "the keys that its certificate may have: SHA-256, base64", several(read_pin), ()
    )
    authentication_name: str = option(
        "the name that its certificate has to be for", read_host_name, ""
    )
    ca_file: Path | None = option("certificates of those who may issue its, PEM", read_path, None)
    certificate_file: Path | None = option("our certificate, which it wants", read_path, None)
    key_file: Path | None = option("its private key, PEM, without passphrase", read_path, None)
    max_octets: int = option("the most octets of one transfer", whole(512, 1 << 40), 4 << 30)
    max_records: int = option(
        "the most records of one transfer, and of a zone", whole(1, 1 << 30), 20_000_000
    )
    max_time: float = option("the longest that one transfer may take", duration, 3600.0)


@dataclass(frozen=True)
class SecondaryConfig(PeerConfig):
    """[[secondary]]: whom to NOTIFY and who may transfer."""

    tls: bool = option("whether it may transfer over TLS alone", flag, False)
    pins: tuple[str, ...] = option(
        "the keys that its certificate may have: SHA-256, base64", several(read_pin), ()
    )
    authentication_name: str = option(
        "the name that its certificate has to be for", read_host_name, ""
    )
    notify_rate: int = option("NOTIFYs to it a second, at most", whole(1, 100_000), 500)


@dataclass(frozen=True)
class TlsConfig:
    """[tls]: DNS over TLS (RFC 7858), and zone transfers over it (RFC 9103)."""

    certificate_file: Path = option("the certificate and its intermediates, PEM", read_path)
    key_file: Path = option("its private key, PEM, without passphrase", read_path)
    client_ca_file: Path | None = option(
        "certificates of those who may issue clients', or of clients, PEM", read_path, None
    )
    listen: tuple[Endpoint, ...] = option(
        "addresses answered on over TLS, port 853 by default; ignored when systemd passes such",
        several(read_tls_endpoint),
        (Endpoint("0.0.0.0", TLS_PORT), Endpoint("::", TLS_PORT)),
    )
    oldest_version: str = option("the oldest version spoken", one_of("1.2", "1.3"), "1.3")


@dataclass(frozen=True)
class TransfersConfig:
    """[transfers]: how many zones go out at once."""

    at_once: int = option("transfers at once", whole(1, 100_000), 256)
    at_once_per_peer: int = option("transfers at once of one peer", whole(1, 100_000), 32)
    wait: float = option("the longest that one waits for its turn", duration, 10.0)
    deadline: float = option("the longest that one may take", duration, 1800.0)


@dataclass(frozen=True)
class MemberConfig:
    """[[zone]]: a zone pulled from primaries."""

    name: bytes = option("the zone's name", read_origin)
    primaries: tuple[str, ...] = option("names of [[primary]]s, in order", several(text))
    pin_tolerance: float = option(
        "how long the primary that it came from may lag behind another; without, any is taken",
        duration,
        0.0,
    )


@dataclass(frozen=True)
class GroupConfig:
    """[[catalog.group]]: what differs for the members of one group (RFC 9432 §4.3.2)."""

    name: str = option("the value of the group property", read_phrase)
    primaries: tuple[str, ...] = option(
        "names of [[primary]]s, in order; without, the catalog's", several(text), ()
    )
    secondaries: tuple[str, ...] | None = option(
        "names of the [[secondary]]s that are told of them and may transfer them; without, the "
        "catalog's",
        several(text),
        None,
    )


@dataclass(frozen=True)
class CatalogConfig(MemberConfig):
    """[[catalog]]: a catalog that is pulled with all its members (RFC 9432)."""

    secondaries: tuple[str, ...] | None = option(
        "names of the [[secondary]]s that are told of it and its members and may transfer them; "
        "without, all",
        several(text),
        None,
    )
    max_removal: float = option(
        "share of its members that one update may remove or reset; 1.0 switches this off",
        number(0.0, 1.0),
        0.3,
    )
    group: tuple[GroupConfig, ...] = option(
        "groups, the first that a member has counts", several(table_of(GroupConfig)), ()
    )


@dataclass(frozen=True)
class LimitsConfig:
    """[limits]: what clients may hold on to over TCP and TLS, of each stream worker."""

    connections: int = option("connections in all", whole(1, 1_000_000), 4096)
    connections_per_client: int = option("connections of one client", whole(1, 1_000_000), 128)
    idle_timeout: float = option("how long a quiet connection is kept", duration, 10.0)
    query_timeout: float = option("how long a query may take to arrive", duration, 5.0)
    reply_timeout: float = option("how long a reply may take to be taken", duration, 30.0)


@dataclass(frozen=True)
class ZoneQueryConfig:
    """[[query.zone]]: who may ask for the names of a zone and below it, instead of [query]."""

    name: bytes = option("the zone's name", read_origin)
    allow: tuple[str, ...] = option("prefixes that may ask", several(read_prefix), ())
    deny: tuple[str, ...] = option("prefixes that get REFUSED", several(read_prefix), ())


@dataclass(frozen=True)
class JournalConfig:
    """[journal]: how much of each zone's history is kept, to be transferred as IXFR."""

    changesets: int = option("changesets of a zone", whole(0, 1_000_000), 1000)
    octets: int = option("their octets, in all", whole(0, 1 << 40), 64 << 20)
    age: float = option(
        "how long ago they were published; without, it does not matter", duration, 0.0
    )


@dataclass(frozen=True)
class QueryConfig:
    """[query]: who may ask. The longest prefix that holds a client decides."""

    allow: tuple[str, ...] = option("prefixes that may ask", several(read_prefix), ())
    deny: tuple[str, ...] = option("prefixes that get REFUSED", several(read_prefix), ())
    zone: tuple[ZoneQueryConfig, ...] = option(
        "lists for single zones", several(table_of(ZoneQueryConfig)), ()
    )


@dataclass(frozen=True)
class RateLimitConfig:
    """[rate-limit]: how many answers over UDP go to one client prefix."""

    responses_per_second: int = option(
        "answers a second to one prefix; 0: no limit", whole(0, 100_000), 0
    )
    slip: int = option(
        "every how-manieth answer over the limit is sent truncated; 0: none", whole(0, 100), 2
    )
    ipv4_prefix: int = option("bits of an IPv4 prefix", whole(8, 32), 24)
    ipv6_prefix: int = option("bits of an IPv6 prefix", whole(16, 128), 56)
    allow: tuple[str, ...] = option("prefixes without a limit", several(read_prefix), ())
    dry_run: bool = option("count, and send all the same", flag, False)
