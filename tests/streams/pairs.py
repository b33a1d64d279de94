"""Certificates and keys for servers on loopback."""

from __future__ import annotations

from pathlib import Path

from agents import run
from peers import require


class Pair:
    """A certificate and its key, made anew as often as wanted."""

    def __init__(self, directory: Path) -> None:
        self.certificate = directory / "cert.pem"
        self.key = directory / "key.pem"

    def make(self, name: str) -> Pair:
        """Files for the host 127.0.0.1 and a common name that tells them apart."""
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        who = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
        parts = [self.key.with_suffix(".new"), self.certificate.with_suffix(".new")]
        files = ["-keyout", str(parts[0]), "-out", str(parts[1])]
        run([require("openssl"), "req", "-x509", *curve, *who, *files])
        parts[0].replace(self.key)
        parts[1].replace(self.certificate)
        return self

    def table(self, port: int | None = None) -> list[str]:
        listen = [] if port is None else [f'listen = ["127.0.0.1:{port}"]']
        files = [f'certificate-file = "{self.certificate}"', f'key-file = "{self.key}"']
        return ["[tls]", *files, *listen]
