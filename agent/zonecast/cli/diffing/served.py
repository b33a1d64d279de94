"""The zones that are served, for `zonecast diff`: out of this host's agent's store, or by AXFR."""

from __future__ import annotations

import asyncio
import base64
import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from zonecast.cli.keygen import OCTETS
from zonecast.config import load
from zonecast.config.values import Endpoint
from zonecast.errors import BadNameError, ConfigError, StoreError, ZonecastError
from zonecast.protocol.sections import NOTAUTH, REFUSED
from zonecast.protocol.transfer_in import Limits, TransferError, WholeZone
from zonecast.protocol.tsig import Key, TsigError, make_key
from zonecast.server.publishing.claims import CATALOG_SOURCE
from zonecast.server.pulling.fetch import Primary, UnreachableError, fetch
from zonecast.store.reader import Snapshot, ZonesReader
from zonecast.zone import names
from zonecast.zone.rrset import Zone

# Seconds that one zone's transfer may take, and how many are under way at once.
TIMEOUT = 600.0
AT_ONCE = 8

_CLAUSE = re.compile(r'key\s+"?([^\s"{;]+)"?\s*\{([^}]*)\}', re.IGNORECASE)
_SETTING = re.compile(r'\b(algorithm|secret)\s+"?([^\s";]+)"?\s*;', re.IGNORECASE)
_BY_OCTETS = {octets: algorithm for algorithm, octets in OCTETS.items()}


def from_store(config_path: Path, wanted: Iterable[bytes]) -> dict[bytes, Zone]:
    """What the agent of that configuration serves: the `wanted` zones, and whatever else comes
    from where they come from, a repository or a primary. Catalogs are left out.

    Raises ConfigError, StoreError.
    """
    state_dir = load(config_path).state_dir
    try:
        reader = ZonesReader(state_dir, with_expired=False)
    except StoreError as error:
        raise StoreError(
            error.message,
            where=error.where,
            remedy="run it where the agent runs, as a user who may read its state (sudo -u "
            "zonecast), or name a server with --server",
        ) from None
    try:
        with reader.begin() as snapshot:
            return _of_sources(snapshot, frozenset(wanted))
    finally:
        reader.close()


def _of_sources(snapshot: Snapshot, wanted: frozenset[bytes]) -> dict[bytes, Zone]:
    sources = {record.origin.lower(): record.source for record in snapshot.records()}
    meant = {source for origin, source in sources.items() if origin in wanted}
    meant = meant or set(sources.values())
    found = {}
    for origin, source in sources.items():
        zone = snapshot.zone(origin) if source in meant - {CATALOG_SOURCE} else None
        if zone is not None:
            found[origin] = zone
    return found


def from_server(server: Endpoint, key: Key | None, wanted: Iterable[bytes]) -> dict[bytes, Zone]:
    """The `wanted` zones as `server` gives them out by AXFR, those left out that it does not serve.

    Raises TransferError, UnreachableError, TsigError.
    """
    return asyncio.run(_transfer_all(server, key, sorted(wanted, key=names.node_key)))


async def _transfer_all(
    server: Endpoint, key: Key | None, wanted: list[bytes]
) -> dict[bytes, Zone]:
    primary = Primary(str(server), server.host, server.port, key)
    places = asyncio.Semaphore(AT_ONCE)

    async def one(origin: bytes) -> Zone | None:
        async with places:
            return await transferred(origin, primary)

    tasks = [asyncio.create_task(one(origin)) for origin in wanted]
    try:
        zones = await asyncio.gather(*tasks)
    except ZonecastError:
        # The first that fails decides; the others need not be waited for.
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
    return {origin: zone for origin, zone in zip(wanted, zones, strict=True) if zone is not None}


async def transferred(origin: bytes, primary: Primary) -> Zone | None:
    """A zone by AXFR; None where `primary` does not serve it.

    Raises TransferError, UnreachableError, TsigError.
    """
    try:
        fetched = await fetch(origin, primary, None, TIMEOUT, Limits())
    except TsigError:
        # Knot says unsigned that it has no such zone; whoever can forge that can show a zone as
        # new and no more.
        if await _has_none(origin, primary._replace(key=None)):
            return None
        raise
    except TransferError as error:
        if error.rcode == NOTAUTH:
            return None
        if error.rcode != REFUSED:
            raise
        raise TransferError(
            error.message,
            where=error.where,
            remedy="it has to allow this host to transfer the zone; name a key with --key-file",
            rcode=error.rcode,
        ) from None
    assert isinstance(fetched.result, WholeZone)
    return fetched.result.zone


async def _has_none(origin: bytes, primary: Primary) -> bool:
    """Whether a server says, asked without a key, that it does not serve the zone."""
    try:
        await fetch(origin, primary, None, TIMEOUT, Limits(octets=65_536))
    except TransferError as error:
        return error.rcode == NOTAUTH
    except UnreachableError:
        return False
    return False


def read_key_file(file: Path, name: str | None = None, algorithm: str | None = None) -> Key:
    """The TSIG key in a file: a `key` clause as tsig-keygen prints it, or the bare secret that
    `zonecast keygen` writes, named as the file is without `.key`, with the algorithm whose
    secrets have that length. What `name` and `algorithm` say goes before that.

    Raises ConfigError.
    """
    try:
        mode = file.stat().st_mode
        text = file.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no text in ASCII"
        raise ConfigError(
            f"the key cannot be read: {reason}",
            where=str(file),
            remedy="name a file from zonecast keygen or tsig-keygen that you may read",
        ) from None
    if mode & stat.S_IROTH:
        raise ConfigError(
            "everybody can read the secret", where=str(file), remedy=f"chmod o-rwx {file}"
        )
    try:
        return make_key(*_settings(file, text, name, algorithm))
    except (ConfigError, BadNameError, ValueError, KeyError):
        raise ConfigError(
            "holds no TSIG key",
            where=str(file),
            remedy="a key clause from tsig-keygen, or a secret from zonecast keygen in NAME.key",
        ) from None


def _settings(
    file: Path, text: str, name: str | None, algorithm: str | None
) -> tuple[str, str, str]:
    """(name, algorithm, secret). Raises KeyError, ValueError."""
    clause = _CLAUSE.search(text)
    if clause is not None:
        settings: Mapping[str, str] = {
            word.lower(): value for word, value in _SETTING.findall(clause[2])
        }
        return name or clause[1], algorithm or settings["algorithm"], settings["secret"]
    secret = text.strip()
    octets = len(base64.b64decode(secret, validate=True))
    return name or file.name.removesuffix(".key"), algorithm or _BY_OCTETS[octets], secret
