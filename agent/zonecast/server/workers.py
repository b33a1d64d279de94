"""The workers that answer, as the controller holds them: settings, barriers, replacement."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from zonecast.server.children import KeptChild, Message
from zonecast.server.cookie_secrets import read_cookie_secrets
from zonecast.server.rate_table import RateTable
from zonecast.server.visibility import PATIENCE, wait_for_readers
from zonecast.zone import names

if TYPE_CHECKING:
    import socket

    from zonecast.config import Config
    from zonecast.config.tables import (
        LimitsConfig,
        PeerConfig,
        QueryConfig,
        RateLimitConfig,
        SecondaryConfig,
        TlsConfig,
        ZoneQueryConfig,
    )
    from zonecast.server.listeners import Listening

log = logging.getLogger("zonecast.workers")


def datagram_workers(config: Config) -> int:
    """How many datagram workers the configuration asks for: one a core by default."""
    return config.workers or len(os.sched_getaffinity(0))


class Workers:
    """All datagram and stream workers. Made, and the processes started, before anything heavy is
    imported; `run` then keeps them alive."""

    def __init__(self, config: Config, listening: Listening) -> None:
        # What makes cookies where no file says so, for as long as this agent runs.
        self._cookie_secret = os.urandom(16).hex()
        # Made once for each configuration: a secret that cannot be read later must not keep a
        # worker from being replaced.
        self._rates = RateTable()
        self._settings = worker_settings(config, self._cookie_secret, self._rates)
        # Answers refused, limited and slipped, and transfers refused because there were too many, by
        # all workers there were.
        self.guarded: Counter[str] = Counter(refused=0, limited=0, slipped=0, transfers=0)
        # The expired zones that count instead of the store's, where it cannot be written.
        self._expired: frozenset[bytes] | None = None
        self._barrier = 0
        self._barriers: dict[tuple[KeptChild, int], asyncio.Event] = {}
        self.on_notify: Callable[[Message], None] = lambda _: None
        self.on_restart: Callable[[], None] = lambda: None
        self.datagram = [
            self._keep("zonecast.server.answering.datagram", sockets, more=[self._rates.fd])
            for sockets in listening.datagram
        ]
        tls = [sock.fileno() for sock in listening.tls]
        self.stream = [
            self._keep("zonecast.server.answering.stream", listening.stream, tls)
            for _ in range(config.stream_workers)
        ]

    @property
    def all(self) -> list[KeptChild]:
        return self.datagram + self.stream

    def _keep(
        self,
        module: str,
        sockets: Sequence[socket.socket],
        tls: Sequence[int] = (),
        more: Sequence[int] = (),
    ) -> KeptChild:
        fds = [sock.fileno() for sock in sockets]
        child = KeptChild(
            module,
            lambda: {
                **self._settings,
                "sockets": fds,
                "tls-sockets": tls,
                "expired": _texts(self._expired),
            },
            [*fds, *tls, *more],
            on_restart=lambda status: self._restarted(child, status),
        )
        child.on_message = lambda message: self._heard(child, message)
        return child

    def _restarted(self, child: KeptChild, status: int) -> None:
        log.warning("%s ended with status %d and was started again", child.module, status)
        for key in [key for key in self._barriers if key[0] is child]:
            self._barriers.pop(key).set()
        self.on_restart()

    def _heard(self, child: KeptChild, message: Message) -> None:
        if "notify" in message:
            self.on_notify(message["notify"])
        elif "guard" in message:
            self.guarded.update(message["guard"])
        elif "barrier" in message:
            waiting = self._barriers.pop((child, message["barrier"]), None)
            if waiting is not None:
                waiting.set()
        elif "fault" in message:
            log.error("%s: %s", child.module, message["fault"])

    async def run(self) -> None:
        """Keep every worker alive; returns after `stop`."""
        await asyncio.gather(*(child.run() for child in self.all))

    async def ready(self) -> None:
        """Wait until each worker answers queries."""
        for child in self.all:
            await child.ready.wait()

    async def visible(self, environment: Any, number: int) -> None:
        """Wait until no worker answers from a version before `number` (see `visibility`). A
        worker that hangs is logged and not waited for."""
        pids = {child.pid for child in self.datagram}
        await self._stream_barrier()
        if not await wait_for_readers(environment, pids, number):
            log.error("a datagram worker still reads an old version after %s s", PATIENCE)

    async def _stream_barrier(self) -> None:
        self._barrier += 1
        events = []
        for child in self.stream:
            event = self._barriers[child, self._barrier] = asyncio.Event()
            child.send({"barrier": self._barrier})
            events.append(event)
        try:
            async with asyncio.timeout(PATIENCE):
                for event in events:
                    await event.wait()
        except TimeoutError:
            log.error("a stream worker did not answer within %s s", PATIENCE)

    def reload(self, config: Config) -> None:
        """Give every worker the keys and rules of a new configuration. Raises ConfigError where a
        secret cannot be read; nothing has changed then."""
        self._settings = worker_settings(config, self._cookie_secret, self._rates)
        for child in self.all:
            child.send({"settings": self._settings})

    def tell_expired(self, expired: frozenset[bytes] | None) -> None:
        """Have every worker answer these zones with SERVFAIL, whatever the store says; None: those
        that the store says. For a store that cannot be written."""
        if expired != self._expired:
            self._expired = expired
            for child in self.all:
                child.send({"expired": _texts(expired)})

    def stop(self) -> None:
        """Let every worker finish and end."""
        for child in self.all:
            child.send({"stop": True})
            child.stop()


def _texts(origins: frozenset[bytes] | None) -> list[str] | None:
    return None if origins is None else [names.to_text(origin) for origin in origins]


def worker_settings(config: Config, cookie_secret: str, rates: RateTable) -> Message:
    """What a worker needs to know of the configuration, as JSON. `cookie_secret`, hexadecimal,
    is for a configuration without a file of them, `rates` where answers are counted. Raises
    ConfigError."""
    file = config.cookie_secret_file
    return {
        "state-dir": str(config.state_dir),
        "keys": [
            {
                "name": names.to_text(key.name),
                "algorithm": key.algorithm,
                "secret": base64.b64encode(key.secret()).decode(),
            }
            for key in config.key
        ],
        "secondaries": [
            {
                **_peer(peer),
                "tls": peer.tls,
                "pins": peer.pins,
                "certificate-name": peer.authentication_name,
            }
            for peer in config.secondary
        ],
        "primaries": [_peer(peer) for peer in config.primary],
        "site": {
            "identity": config.identity,
            "version": config.version,
            "cookie-secrets": [cookie_secret] if file is None else read_cookie_secrets(file),
            "require-cookies": config.require_cookies,
            "awaited": [names.to_text(zone.name) for zone in config.zone + config.catalog],
        },
        "tls": None if config.tls is None else _tls_settings(config.tls),
        "limits": _bounds(config.limits),
        "transfers": {
            "most": config.transfers.at_once,
            "per_peer": config.transfers.at_once_per_peer,
            "wait": config.transfers.wait,
            "deadline": config.transfers.deadline,
        },
        "query": _query_settings(config),
        "rate-limit": _limit_settings(config.rate_limit, rates),
    }


def _tls_settings(tls: TlsConfig) -> Message:
    """Raises ConfigError where no TLS can be spoken with these files."""
    # Only here: without TLS the controller has no use for OpenSSL.
    from zonecast.server.answering.certificate import make_context

    make_context(tls.certificate_file, tls.key_file, tls.oldest_version, tls.client_ca_file)
    return {
        "certificate-file": str(tls.certificate_file),
        "key-file": str(tls.key_file),
        "oldest": tls.oldest_version,
        "client-ca-file": None if tls.client_ca_file is None else str(tls.client_ca_file),
    }


def _bounds(limits: LimitsConfig) -> Message:
    return {
        "connections": limits.connections,
        "connections_per_client": limits.connections_per_client,
        "idle": limits.idle_timeout,
        "query": limits.query_timeout,
        "reply": limits.reply_timeout,
    }


def _query_settings(config: Config) -> Message | None:
    """The lists of who may ask, None where everybody may. Secondaries that have no key are let in by
    each, for their address is what makes them secondaries."""
    query = config.query
    if not (query.allow or query.deny or query.zone):
        return None
    known = [peer.address.host for peer in config.secondary if not peer.keys]

    def lists(table: QueryConfig | ZoneQueryConfig) -> Message:
        closed = bool(table.allow)
        return {"allow": [*table.allow, *known], "deny": table.deny, "closed": closed}

    zones = [{"name": names.to_text(zone.name), **lists(zone)} for zone in query.zone]
    return {**lists(query), "zones": zones}


def _limit_settings(limit: RateLimitConfig, rates: RateTable) -> Message | None:
    if not limit.responses_per_second:
        return None
    return {
        "rate": limit.responses_per_second,
        "slip": limit.slip,
        "ipv4_prefix": limit.ipv4_prefix,
        "ipv6_prefix": limit.ipv6_prefix,
        "allow": limit.allow,
        "dry_run": limit.dry_run,
        **rates.settings(),
    }


def _peer(peer: PeerConfig | SecondaryConfig) -> Message:
    return {
        "name": peer.name,
        "address": str(peer.address),
        "keys": [names.to_text(key) for key in peer.keys],
    }
