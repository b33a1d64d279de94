"""What no single option of the agent's configuration can know: what must agree between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zonecast.config.primaries import check_primary
from zonecast.config.tables import MemberConfig, PeerConfig, QueryConfig, ZoneQueryConfig
from zonecast.config.values import TLS_PORT
from zonecast.options import Document
from zonecast.zone import names

if TYPE_CHECKING:
    from zonecast.config import Config


def check(config: Config, document: Document) -> None:
    """Raises ConfigError for the first disagreement."""
    _check_unique("key", [names.to_text(key.name) for key in config.key], document)
    _check_unique("secondary", [peer.name for peer in config.secondary], document)
    _check_unique("primary", [peer.name for peer in config.primary], document)
    _check_unique("repository", [repository.name for repository in config.repository], document)
    _check_unique("zone", [names.to_text(zone.name) for zone in config.zone], document)
    catalogs = [names.to_text(catalog.name) for catalog in config.catalog]
    _check_unique("catalog", catalogs, document)
    _check_addresses(config, document)
    _check_secondaries(config, document)
    _check_lists(config.query, document.below("query"))
    _check_keys(config, document)
    for number, primary in enumerate(config.primary):
        check_primary(primary, document.below("primary", number))
    _check_pulled(config, document)
    for number, repository in enumerate(config.repository):
        place = document.below("repository", number)
        if (repository.path is None) == (not repository.url):
            raise place.error("give either 'path' or 'url'")
        if {*repository.catalogs} & {member.name for member in config.catalog + config.zone}:
            raise place.error(
                "'catalog' names a zone that this agent pulls from elsewhere", at=("catalog",)
            )


def _check_addresses(config: Config, document: Document) -> None:
    for number, endpoint in enumerate(config.listen):
        if endpoint.port == TLS_PORT or (config.tls is not None and endpoint in config.tls.listen):
            raise document.error(
                f"'{endpoint}' is for TLS, and not answered on in clear",
                remedy="name it under [tls]",
                at=("listen", number),
            )


def _check_secondaries(config: Config, document: Document) -> None:
    for number, secondary in enumerate(config.secondary):
        if secondary.tls and config.tls is None:
            raise document.below("secondary", number).error(
                f"'{secondary.name}' is to transfer over TLS, but there is no [tls]", at=("tls",)
            )
        certified = "pins" if secondary.pins else "authentication-name"
        if (secondary.pins or secondary.authentication_name) and (
            config.tls is None or config.tls.client_ca_file is None
        ):
            raise document.below("secondary", number).error(
                f"'{secondary.name}' is to show a certificate, but nothing vouches for one",
                remedy="give [tls] a 'client-ca-file': authorities, or the certificate itself",
                at=(certified,),
            )


def _check_keys(config: Config, document: Document) -> None:
    keys = {key.name for key in config.key}
    for table, peers in (("secondary", config.secondary), ("primary", config.primary)):
        for number, peer in enumerate(peers):
            for key in peer.keys:
                if key not in keys:
                    raise document.below(table, number).error(
                        f"'{peer.name}' uses the key '{names.to_text(key)}', which no [[key]] names",
                        at=("keys",),
                    )


def _check_pulled(config: Config, document: Document) -> None:
    catalogs = [catalog.name for catalog in config.catalog]
    primaries = {peer.name for peer in config.primary}
    for table, members in (("catalog", config.catalog), ("zone", config.zone)):
        for number, member in enumerate(members):
            place = document.below(table, number)
            _check_member(member, primaries, place)
            if table == "zone" and member.name in catalogs:
                raise place.error(
                    f"'{names.to_text(member.name)}' is a [[catalog]] as well", at=("name",)
                )
    for number, pulled in enumerate(config.catalog):
        place = document.below("catalog", number)
        _check_unique("catalog.group", [group.name for group in pulled.group], place)
        _check_named("secondary", pulled.secondaries, config, place)
        for position, group in enumerate(pulled.group):
            _check_named("primary", group.primaries, config, place.below("group", position))
            _check_named("secondary", group.secondaries, config, place.below("group", position))


def _check_unique(table: str, items: list[str], document: Document) -> None:
    for number, item in enumerate(items):
        first = items.index(item)
        if first != number:
            raise document.error(
                f"[[{table}]]: '{item}' stands here more than once",
                at=(table.rpartition(".")[2], number),
                also=(table.rpartition(".")[2], first),
            )


def _check_lists(query: QueryConfig, document: Document) -> None:
    _check_unique("zone", [names.to_text(zone.name) for zone in query.zone], document)
    _check_list(query, document)
    for number, zone in enumerate(query.zone):
        _check_list(zone, document.below("zone", number))


def _check_list(lists: QueryConfig | ZoneQueryConfig, document: Document) -> None:
    for prefix in lists.deny:
        if prefix in lists.allow:
            raise document.error(f"'{prefix}' is allowed and denied", at=("deny",))


def _check_named(
    table: str, peers: tuple[str, ...] | None, config: Config, document: Document
) -> None:
    """Raises ConfigError where a [[primary]] or [[secondary]], the `table`, is not there."""
    own: tuple[PeerConfig, ...] = config.primary if table == "primary" else config.secondary
    key = "primaries" if table == "primary" else "secondaries"
    for name in peers or ():
        if name not in {peer.name for peer in own}:
            raise document.error(f"no [[{table}]] is named '{name}'", at=(key,))
    _check_once(key, peers or (), document)


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
    _check_once("primaries", member.primaries, document)


def _check_once(key: str, peers: tuple[str, ...], document: Document) -> None:
    for name in peers:
        if peers.count(name) > 1:
            raise document.error(f"'{name}' stands more than once in '{key}'", at=(key,))
