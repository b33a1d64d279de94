"""The agent's configuration: `zonecast.toml` of a host, not the policy of a repository."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tomli

from zonecast.config.consistency import check
from zonecast.config.tables import (
    CatalogConfig,
    JournalConfig,
    KeyConfig,
    LimitsConfig,
    MemberConfig,
    PrimaryConfig,
    QueryConfig,
    RateLimitConfig,
    RepositoryConfig,
    SecondaryConfig,
    TlsConfig,
    TransfersConfig,
)
from zonecast.config.values import (
    Endpoint,
    read_endpoint,
    read_path,
    read_phrase,
)
from zonecast.errors import ConfigError, ZonecastError
from zonecast.options import Document, flag, option, read_table, several, table_of, whole
from zonecast.zone.policy import Floors
from zonecast.zone.toml_lines import Lines

DEFAULT_PATH = Path("/etc/zonecast/zonecast.toml")
DEFAULT_STATE_DIR = Path("/var/lib/zonecast")
DEFAULT_RUN_DIR = Path("/run/zonecast")


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
    primary: tuple[PrimaryConfig, ...] = option("primaries", several(table_of(PrimaryConfig)), ())
    catalog: tuple[CatalogConfig, ...] = option(
        "catalogs pulled with all their members", several(table_of(CatalogConfig)), ()
    )
    zone: tuple[MemberConfig, ...] = option("zones pulled", several(table_of(MemberConfig)), ())
    tls: TlsConfig | None = option("DNS over TLS", table_of(TlsConfig), None)
    limits: LimitsConfig = option(
        "what clients may hold on to", table_of(LimitsConfig), LimitsConfig()
    )
    journal: JournalConfig = option(
        "history kept for IXFR", table_of(JournalConfig), JournalConfig()
    )
    query: QueryConfig = option("who may ask", table_of(QueryConfig), QueryConfig())
    transfers: TransfersConfig = option(
        "how many zones go out at once", table_of(TransfersConfig), TransfersConfig()
    )
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

    def primary_named(self, name: str) -> PrimaryConfig:
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
    check(config, document)
    return config
