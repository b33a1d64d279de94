"""`zonecast config check`: validate a configuration without starting anything."""

from __future__ import annotations

from pathlib import Path
from socket import if_nameindex

import click

from zonecast.cli.agent import config_option
from zonecast.config import Config, load
from zonecast.config.tables import PeerConfig, RepositoryConfig
from zonecast.errors import ConfigError, RepositoryError, remedy_for
from zonecast.repository.mirror import read_token
from zonecast.server.answering.certificate import make_context
from zonecast.server.cookie_secrets import read_cookie_secrets
from zonecast.server.peers import primary_of
from zonecast.server.pulling.connecting import check_files


@click.group()
def command() -> None:
    """Look at the agent's configuration."""


@command.command()
@config_option
def check(config_path: Path) -> None:
    """Validate the configuration, the files that it names included: secrets, certificates, tokens;
    exit code 2 says what is wrong."""
    config = load(config_path)
    _check_here(config)
    counted = [
        (len(config.repository), "repository", "repositories"),
        (
            len(config.zone) + len(config.catalog),
            "zone or catalog pulled",
            "zones or catalogs pulled",
        ),
        (len(config.secondary), "secondary", "secondaries"),
        (len(config.key), "key", "keys"),
    ]
    summary = ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in counted)
    click.echo(f"{config_path}: fine: {summary}")


def _check_here(config: Config) -> None:
    """Raises ConfigError for a file that the agent would not find or could not use, or an interface
    that this host does not have."""
    for key in config.key:
        key.secret()
    if config.cookie_secret_file is not None:
        read_cookie_secrets(config.cookie_secret_file)
    tls = config.tls
    if tls is not None:
        make_context(tls.certificate_file, tls.key_file, tls.oldest_version, tls.client_ca_file)
    for primary in config.primary:
        check_files(primary_of(config, primary))
    for peer in (*config.primary, *config.secondary):
        _check_interface(peer)
    for repository in config.repository:
        _check_files(repository)


def _check_interface(peer: PeerConfig) -> None:
    interface = peer.address.host.partition("%")[2]
    if (
        interface
        and not interface.isdigit()
        and interface not in {name for _, name in if_nameindex()}
    ):
        raise ConfigError(
            f"'{peer.name}' has the address {peer.address.host}, and this host has no such interface",
            remedy="ip link shows those that there are",
        )


def _check_files(repository: RepositoryConfig) -> None:
    files = {"ssh-key-file": repository.ssh_key_file, "known-hosts": repository.known_hosts}
    try:
        if repository.token_file is not None:
            read_token(repository.token_file)
    except RepositoryError as error:
        raise ConfigError(error.message, where=error.where, remedy=error.remedy) from None
    for key, file in files.items():
        try:
            if file is not None:
                file.read_bytes()
        except OSError as error:
            raise ConfigError(
                f"'{key}' cannot be read: {error.strerror}",
                where=str(file),
                remedy=remedy_for(error),
            ) from None
