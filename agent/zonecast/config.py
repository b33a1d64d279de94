"""The agent's configuration: `zonecast.toml` of a host, not the policy of a repository.

Each class is a table of the file, each field an option (see `options`); `docs/configuration.md`
is held against them by a test. Secrets stay in their files until the agent needs them.
"""

from __future__ import annotations

import base64
import ipaddress
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import tomli

from zonecast.errors import ConfigError, ZonecastError
from zonecast.options import (
    Document,
    duration,
    flag,
    one_of,
    option,
    read_table,
    several,
    table_of,
    text,
    whole,
)
from zonecast.zone import names
from zonecast.zone.policy import Floors
from zonecast.zone.toml_lines import Lines

DEFAULT_PATH = Path("/etc/zonecast/zonecast.toml")
DEFAULT_STATE_DIR = Path("/var/lib/zonecast")
DEFAULT_RUN_DIR = Path("/run/zonecast")

ALGORITHMS = ("hmac-sha256", "hmac-sha224", "hmac-sha384", "hmac-sha512")
MIN_SECRET_OCTETS = 16

# Where nothing is said in clear (RFC 7858 §3.1).
TLS_PORT = 853


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
    if written.startswith("["):
        host, _, rest = written[1:].partition("]")
        port = rest.removeprefix(":") or str(default)
    elif written.count(":") == 1:
        host, port = written.split(":")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise ValueError(f"'{written}' is no IP address with an optional port") from None
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"'{written}' has no port from 1 to 65535")
    return Endpoint(str(address), int(port))


def read_tls_endpoint(value: Any) -> Endpoint:
    """The same, with another port by default."""
    return read_endpoint(value, TLS_PORT)


def read_prefix(value: Any) -> str:
    """An address prefix, or an address: "192.0.2.0/24", "2001:db8::1"."""
    written = text(value)
    try:
        return str(ipaddress.ip_network(written))
    except ValueError as error:
        raise ValueError(f"no address prefix: {error}") from None


def read_origin(value: Any) -> bytes:
    """A zone's name, with or without the final dot, lower-cased."""
    return names.from_text(text(value), names.ROOT).lower()


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
    branch: str = option("the branch that is published", text, "main")
    catalog: bytes | None = option(
        "publish a catalog zone of this name (RFC 9432)", read_origin, None
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
    """[[primary]]: whom to pull from."""

    name: str = option("what status calls it", text)
    address: Endpoint = option("IP address and port, 53 by default", read_endpoint)
    keys: tuple[bytes, ...] = option(
        "names of [[key]]s; without, the address", several(read_origin), ()
    )


@dataclass(frozen=True)
class SecondaryConfig(PeerConfig):
    """[[secondary]]: whom to NOTIFY and who may transfer."""

    tls: bool = option("whether it may transfer over TLS alone", flag, False)


@dataclass(frozen=True)
class TlsConfig:
    """[tls]: DNS over TLS (RFC 7858), and zone transfers over it (RFC 9103)."""

    certificate_file: Path = option("the certificate and its intermediates, PEM", read_path)
    key_file: Path = option("its private key, PEM, without passphrase", read_path)
    listen: tuple[Endpoint, ...] = option(
        "addresses answered on over TLS, port 853 by default; ignored when systemd passes such",
        several(read_tls_endpoint),
        (Endpoint("0.0.0.0", TLS_PORT), Endpoint("::", TLS_PORT)),
    )
    oldest_version: str = option("the oldest version spoken", one_of("1.2", "1.3"), "1.3")


@dataclass(frozen=True)
class MemberConfig:
    """[[zone]] and [[catalog]]: a zone pulled from primaries, or a catalog and all its members."""

    name: bytes = option("the zone's name", read_origin)
    primaries: tuple[str, ...] = option("names of [[primary]]s, in order", several(text))


@dataclass(frozen=True)
class QueryConfig:
    """[query]: who may ask. The longest prefix that holds a client decides."""

    allow: tuple[str, ...] = option("prefixes that may ask", several(read_prefix), ())
    deny: tuple[str, ...] = option("prefixes that get REFUSED", several(read_prefix), ())


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


@dataclass(frozen=True)
class Config:
    """The whole file."""

    state_dir: Path = option("where the store is", read_path, DEFAULT_STATE_DIR)
    run_dir: Path | None = option("where the status and control sockets are", read_path, None)
    listen: tuple[Endpoint, ...] = option(
        "addresses answered on; ignored when systemd passes sockets",
        several(read_endpoint),
        (Endpoint("0.0.0.0", 53), Endpoint("::", 53)),
    )
    workers: int = option("datagram workers; 0: one a core", whole(0, 256), 0)
    stream_workers: int = option("stream (TCP) workers", whole(1, 64), 1)
    pullers: int = option("transfer processes", whole(1, 64), 1)
    identity: str = option("what NSID and id.server. say", read_phrase, "")
    version: str = option("what version.bind. says", read_phrase, "")
    cookie_secret_file: Path | None = option(
        "the file with the secret for cookies, 32 hexadecimal digits a line", read_path, None
    )
    require_cookies: bool = option("BADCOOKIE for a cookie that does not verify", flag, False)
    repository: tuple[RepositoryConfig, ...] = option(
        "repositories", several(table_of(RepositoryConfig)), ()
    )
    key: tuple[KeyConfig, ...] = option("TSIG keys", several(table_of(KeyConfig)), ())
    secondary: tuple[SecondaryConfig, ...] = option(
        "secondaries", several(table_of(SecondaryConfig)), ()
    )
    primary: tuple[PeerConfig, ...] = option("primaries", several(table_of(PeerConfig)), ())
    catalog: tuple[MemberConfig, ...] = option(
        "catalogs pulled with all their members", several(table_of(MemberConfig)), ()
    )
    zone: tuple[MemberConfig, ...] = option("zones pulled", several(table_of(MemberConfig)), ())
    tls: TlsConfig | None = option("DNS over TLS", table_of(TlsConfig), None)
    query: QueryConfig = option("who may ask", table_of(QueryConfig), QueryConfig())
    rate_limit: RateLimitConfig = option(
        "response rate limiting", table_of(RateLimitConfig), RateLimitConfig()
    )
    rails: Floors = option("floors for the policies' safety rails", table_of(Floors), Floors())

    @property
    def sockets(self) -> Path:
        """The directory of the status and control sockets."""
        if self.run_dir is not None:
            return self.run_dir
        return DEFAULT_RUN_DIR if self.state_dir == DEFAULT_STATE_DIR else self.state_dir / "run"

    def key_named(self, name: bytes) -> KeyConfig:
        """The key of that name; `load` has checked that it is there."""
        return next(key for key in self.key if key.name == name)

    def primary_named(self, name: str) -> PeerConfig:
        """The primary of that name; `load` has checked that it is there."""
        return next(peer for peer in self.primary if peer.name == name)


def load(file: Path) -> Config:
    """The configuration in `file`. Raises ConfigError: what, in which table, and what to do."""
    try:
        written = file.read_text("utf-8")
        table = tomli.loads(written)
    except PermissionError:
        raise ZonecastError(
            "you may not read the configuration",
            where=str(file),
            remedy="ask for its group, or sudo",
        ) from None
    except OSError as error:
        raise ConfigError(
            f"the configuration cannot be read: {error.strerror}",
            where=str(file),
            remedy="name the file with --config",
        ) from None
    except tomli.TOMLDecodeError as error:
        where = f"{file}:{error.lineno}:{error.colno}"
        raise ConfigError(f"not TOML: {error.msg}", where=where) from None
    except (UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"not TOML: {error}", where=str(file)) from None
    document = Document(str(file), locate=lambda keys: Lines(written).place(keys))
    config = read_table(Config, table, document)
    _check(config, document)
    return config


def _check(config: Config, document: Document) -> None:
    """What no single option can know."""
    _check_unique("key", [names.to_text(key.name) for key in config.key], document)
    _check_unique("secondary", [peer.name for peer in config.secondary], document)
    _check_unique("primary", [peer.name for peer in config.primary], document)
    _check_unique("repository", [repository.name for repository in config.repository], document)
    _check_unique("zone", [names.to_text(zone.name) for zone in config.zone], document)
    catalogs = [names.to_text(catalog.name) for catalog in config.catalog]
    _check_unique("catalog", catalogs, document)
    for number, endpoint in enumerate(config.listen):
        if endpoint.port == TLS_PORT or (config.tls is not None and endpoint in config.tls.listen):
            raise document.error(
                f"'{endpoint}' is for TLS, and not answered on in clear",
                remedy="name it under [tls]",
                at=("listen", number),
            )
    for number, secondary in enumerate(config.secondary):
        if secondary.tls and config.tls is None:
            raise document.below("secondary", number).error(
                f"'{secondary.name}' is to transfer over TLS, but there is no [tls]", at=("tls",)
            )
    for prefix in config.query.deny:
        if prefix in config.query.allow:
            raise document.below("query").error(f"'{prefix}' is allowed and denied", at=("deny",))
    keys = {key.name for key in config.key}
    for table, peers in (("secondary", config.secondary), ("primary", config.primary)):
        for number, peer in enumerate(peers):
            for key in peer.keys:
                if key not in keys:
                    raise document.below(table, number).error(
                        f"'{peer.name}' uses the key '{names.to_text(key)}', which no [[key]] names",
                        at=("keys",),
                    )
    primaries = {peer.name for peer in config.primary}
    for table, members in (("catalog", config.catalog), ("zone", config.zone)):
        for number, member in enumerate(members):
            place = document.below(table, number)
            _check_member(member, primaries, place)
            if table == "zone" and names.to_text(member.name) in catalogs:
                raise place.error(
                    f"'{names.to_text(member.name)}' is a [[catalog]] as well", at=("name",)
                )
    for number, repository in enumerate(config.repository):
        place = document.below("repository", number)
        if (repository.path is None) == (not repository.url):
            raise place.error("give either 'path' or 'url'")
        if repository.catalog in {member.name for member in config.catalog + config.zone}:
            raise place.error(
                "'catalog' names a zone that this agent pulls from elsewhere", at=("catalog",)
            )


def _check_unique(table: str, items: list[str], document: Document) -> None:
    for number, item in enumerate(items):
        first = items.index(item)
        if first != number:
            raise document.error(
                f"[[{table}]]: '{item}' stands here more than once",
                at=(table, number),
                also=(table, first),
            )


def _check_member(member: MemberConfig, primaries: set[str], document: Document) -> None:
    if not member.primaries:
        raise document.error(f"'{names.to_text(member.name)}' has no primaries", at=("primaries",))
    for name in member.primaries:
        if name not in primaries:
            raise document.error(
                f"'{names.to_text(member.name)}' is to be pulled from '{name}',"
                " which no [[primary]] names",
                at=("primaries",),
            )
