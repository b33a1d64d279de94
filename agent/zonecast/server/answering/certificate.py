"""The certificate and key that TLS is spoken with (RFC 7858), and their replacement while serving."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zonecast.errors import ConfigError

ALPN = "dot"

# Seconds between looks at the files, which are looked at when a client connects.
LOOK_INTERVAL = 1.0

_OLDEST = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def make_context(certificate: Path, key: Path, oldest: str) -> ssl.SSLContext:
    """What a server speaks TLS with, of version `oldest` ("1.2", "1.3") and newer. Raises ConfigError
    naming the file that cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _OLDEST[oldest]
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols([ALPN])
    for file in (certificate, key):
        try:
            file.read_bytes()
        except OSError as error:
            raise ConfigError(
                f"cannot be read: {error.strerror}",
                where=str(file),
                remedy="name files in [tls] that the agent's user may read",
            ) from None
    try:
        # A key with a passphrase must not ask for it on a terminal.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (ssl.SSLError, OSError, ValueError) as error:
        raise ConfigError(
            f"no certificate and key that fit together: {error}",
            where=str(certificate),
            remedy=f"PEM, leaf first, then intermediates; its key without passphrase is {key}",
        ) from None
    return context


class Certificate:
    """The context in use, made again once the files change. Raises ConfigError where there is none
    to begin with; later `report` is told, and the one before stays in use."""

    def __init__(self, settings: dict[str, Any], report: Callable[[ConfigError], None]) -> None:
        self._files = (Path(settings["certificate-file"]), Path(settings["key-file"]))
        self._oldest: str = settings["oldest"]
        self._report = report
        self._seen = self._look()
        self._looked = 0.0
        self._context = make_context(*self._files, self._oldest)

    def context(self, now: float) -> ssl.SSLContext:
        """The context for a client that connects now, in seconds of any clock that goes on."""
        if now - self._looked >= LOOK_INTERVAL:
            self._looked = now
            seen = self._look()
            if seen != self._seen:
                self._seen = seen
                try:
                    self._context = make_context(*self._files, self._oldest)
                except ConfigError as error:
                    self._report(error)
        return self._context

    def _look(self) -> list[tuple[int, int, int]]:
        """What changes when the files do; links are followed."""
        found = []
        for file in self._files:
            try:
                status = file.stat()
            except OSError:
                found.append((0, 0, 0))
            else:
                found.append((status.st_ino, status.st_size, status.st_mtime_ns))
        return found
