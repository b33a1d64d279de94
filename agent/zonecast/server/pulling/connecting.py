"""Connections to primaries: over TLS where it is wanted (RFC 9103), in clear where it may be.

TLS is 1.3, the application protocol `dot` has to be negotiated (§7.1), and a key, an authority or
both say who it is that answers (RFC 8310 §8). An expired certificate is none, a pinned key's as well.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from zonecast.errors import ConfigError, WireError, ZonecastError
from zonecast.protocol.pinning import read_certificate
from zonecast.server.answering.certificate import ALPN
from zonecast.server.peers import Primary, Tls

# Seconds for connecting, and for the handshake; and where clear text is at hand instead.
CONNECT = 5.0
CONNECT_OR_CLEAR = 2.0


class UnreachableError(ZonecastError):
    """A primary that cannot be connected to, or is too slow: asking it again would not help."""


class TlsError(ZonecastError):
    """A primary that does not speak TLS as it must, or does not prove who it is."""


class Stream(NamedTuple):
    """A connection, and whether it is over TLS."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    secure: bool


async def connect(primary: Primary, timeout: float) -> Stream:
    """A connection to `primary`, within `timeout` seconds at most.

    Raises UnreachableError, TlsError; ConfigError where our files for TLS cannot be used.
    """
    tls = primary.tls
    if tls is None:
        return await _open(primary, primary.port, min(CONNECT, timeout))
    if tls.strict:
        return await _open_tls(primary, tls, min(CONNECT, timeout))
    try:
        return await _open_tls(primary, tls, min(CONNECT_OR_CLEAR, timeout))
    except (UnreachableError, TlsError):
        return await _open(primary, primary.port, min(CONNECT, timeout))


async def _open(
    primary: Primary, port: int, timeout: float, context: ssl.SSLContext | None = None
) -> Stream:
    name = None
    if context is not None:
        name = (primary.tls.name if primary.tls is not None else "") or primary.host
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(
                primary.host, port, ssl=context, server_hostname=name
            )
    except ssl.SSLError:
        raise
    except (OSError, TimeoutError) as error:
        reason = "no answer" if isinstance(error, TimeoutError) else error.strerror or str(error)
        over = "TLS" if context is not None else "TCP"
        raise UnreachableError(
            f"{primary.host} port {port} cannot be reached: {reason}",
            where=primary.name,
            remedy=f"see that it runs, that address and port are right, and that {over} gets through",
        ) from None
    return Stream(reader, writer, context is not None)


async def _open_tls(primary: Primary, tls: Tls, timeout: float) -> Stream:
    try:
        stream = await _open(primary, tls.port, timeout, _context(tls))
    except ssl.SSLCertVerificationError as error:
        raise _refused(
            primary,
            f"its certificate is not accepted: {error.verify_message.rstrip('.')}",
            "see its certificate, and 'authentication-name' and 'ca-file' here",
        ) from None
    except ssl.SSLError as error:
        raise _refused(primary, said(error), "see its log for why") from None
    try:
        _check(primary, tls, stream.writer.get_extra_info("ssl_object"))
    except TlsError:
        stream.writer.close()
        raise
    return stream


def _check(primary: Primary, tls: Tls, established: ssl.SSLObject) -> None:
    """Raises TlsError for what OpenSSL does not ask."""
    if established.selected_alpn_protocol() != ALPN:
        raise _refused(
            primary,
            f"it does not negotiate the application protocol '{ALPN}' (RFC 9103 §7.1)",
            "see that it offers zone transfers over TLS on this port",
        )
    if not tls.pins:
        return
    try:
        shown = read_certificate(established.getpeercert(binary_form=True) or b"")
    except WireError as error:
        raise _refused(primary, f"it shows {error}", "give it another certificate") from None
    if shown.pin not in tls.pins:
        raise _refused(
            primary,
            f"the pin of its key is {shown.pin}, and none that is configured",
            "if its key was changed on purpose, put that into 'pins'",
        )
    if not shown.begins <= time.time() <= shown.ends:
        past = time.time() > shown.ends
        raise _refused(
            primary,
            f"its certificate {'has expired' if past else 'is not yet valid'}",
            "renew it there, with the same key, and see the clocks of both hosts",
        )


def _refused(primary: Primary, reason: str, remedy: str) -> TlsError:
    port = primary.tls.port if primary.tls is not None else 0
    return TlsError(
        f"no TLS with {primary.host} port {port}: {reason}", where=primary.name, remedy=remedy
    )


def said(error: ssl.SSLError) -> str:
    """What OpenSSL says, for people: "TLSV13_ALERT_CERTIFICATE_REQUIRED" in ordinary letters."""
    return (error.reason or str(error)).replace("_", " ").lower()


def check_files(primary: Primary) -> None:
    """Raises ConfigError where the files for TLS with this primary cannot be used."""
    if primary.tls is not None:
        _context(primary.tls)


def _context(tls: Tls) -> ssl.SSLContext:
    """What a client speaks TLS with; made anew once a file of it changes."""
    files = (tls.authorities, tls.certificate, tls.certificate_key)
    return _make_context(tls, tuple(_changed(file) for file in files if file))


def _changed(file: str) -> int:
    try:
        return Path(file).stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=64)
def _make_context(tls: Tls, _versions: tuple[int, ...]) -> ssl.SSLContext:
    """Raises ConfigError naming the file that cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols([ALPN])
    if not tls.by_authority:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif tls.authorities:
        _load(
            tls.authorities, "authorities", lambda: context.load_verify_locations(tls.authorities)
        )
    else:
        context.load_default_certs()
    if tls.certificate:
        _load(
            tls.certificate,
            "a certificate and a key that fit together",
            # A key with a passphrase must not ask for it on a terminal.
            lambda: context.load_cert_chain(tls.certificate, tls.certificate_key, lambda: b""),
        )
    return context


def _load(file: str, what: str, load: Callable[[], None]) -> None:
    try:
        load()
    except (OSError, ValueError) as error:
        reason = said(error) if isinstance(error, ssl.SSLError) else str(error)
        raise ConfigError(
            f"{what} cannot be read: {reason}",
            where=file,
            remedy="PEM, in files that the agent's user may read, a key without passphrase",
        ) from None
