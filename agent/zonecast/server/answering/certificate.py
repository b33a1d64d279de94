"""The certificate and key that TLS is spoken with (RFC 7858), and their replacement while serving;
the certificates that clients show (RFC 9103 §9.3.3).

Who shows none is served all the same: it is for the access rules to say who has to. One that does not
verify ends the handshake.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zonecast.errors import ConfigError, WireError
from zonecast.protocol.access import Shown
from zonecast.protocol.pinning import read_certificate

ALPN = "dot"

# Seconds between looks at the files, which are looked at when a client connects.
LOOK_INTERVAL = 1.0

_OLDEST = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def make_context(
    certificate: Path, key: Path, oldest: str, client_ca: Path | None = None
) -> ssl.SSLContext:
    """What a server speaks TLS with, of version `oldest` ("1.2", "1.3") and newer. Clients are asked
    for certificates that those in `client_ca` vouch for. Raises ConfigError naming the file that
    cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _OLDEST[oldest]
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols([ALPN])
    for file in filter(None, (certificate, key, client_ca)):
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
    if client_ca is not None:
        _ask_for_certificates(context, client_ca)
    return context


def _ask_for_certificates(context: ssl.SSLContext, client_ca: Path) -> None:
    try:
        context.load_verify_locations(client_ca)
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(
            f"no certificates: {error}",
            where=str(client_ca),
            remedy="PEM: those of authorities, or the clients' own",
        ) from None
    context.verify_mode = ssl.CERT_OPTIONAL
    # A certificate that is itself in the file needs no authority.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


def shown(established: ssl.SSLObject) -> Shown | None:
    """The certificate that the client of this connection showed; None where it showed none, or one
    that cannot be read."""
    try:
        pin = read_certificate(established.getpeercert(binary_form=True) or b"").pin
    except WireError:
        return None
    alternatives: Any = (established.getpeercert() or {}).get("subjectAltName", ())
    names = frozenset(str(value).lower() for kind, value in alternatives if kind == "DNS")
    return Shown(pin, names)


class Certificate:
    """The context in use, made again once the files change. Where none can be made, `report` is told
    why, and the one `before` stays in use if there is one; it is tried again as long as it fails."""

    def __init__(
        self,
        settings: dict[str, Any],
        report: Callable[[str], None],
        before: Certificate | None = None,
    ) -> None:
        self._files = [Path(settings["certificate-file"]), Path(settings["key-file"])]
        client_ca = settings.get("client-ca-file")
        self._client_ca = None if client_ca is None else Path(client_ca)
        self._oldest: str = settings["oldest"]
        self._report = report
        self._seen = self._look()
        self._looked = 0.0
        self._complaint = ""
        self._context: ssl.SSLContext | None = None if before is None else before._context
        self._make()

    def _make(self) -> None:
        certificate, key = self._files
        try:
            self._context = make_context(certificate, key, self._oldest, self._client_ca)
            self._complaint = ""
        except ConfigError as error:
            stays = "the certificate stays as it was"
            outcome = stays if self._context else "without a certificate no TLS is spoken"
            complaint = f"{outcome}: {error}"
            if complaint != self._complaint:
                self._report(complaint)
            self._complaint = complaint

    def context(self, now: float) -> ssl.SSLContext | None:
        """The context for a client that connects now, in seconds of any clock that goes on; None
        where there was none yet."""
        if now - self._looked >= LOOK_INTERVAL:
            self._looked = now
            seen = self._look()
            if seen != self._seen or self._complaint:
                self._seen = seen
                self._make()
        return self._context

    def _look(self) -> list[tuple[int, int, int]]:
        """What changes when the files do; links are followed."""
        found = []
        for file in filter(None, (*self._files, self._client_ca)):
            try:
                status = file.stat()
            except OSError:
                found.append((0, 0, 0))
            else:
                found.append((status.st_ino, status.st_size, status.st_mtime_ns))
        return found
