"""Certificates as openssl makes them, and primaries that speak TLS as a test's script says."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

from agents import run
from peers import require
from puller_support import Script, ScriptedPrimary

from zonecast.protocol.pinning import read_certificate

CA_CONFIG = """\
[ca]
default_ca = any
[any]
database = {0}/index
serial = {0}/serial
new_certs_dir = {0}
default_md = sha256
policy = policy
x509_extensions = names
[policy]
commonName = supplied
[names]
subjectAltName = {1}
"""


class Certificate:
    """A certificate and its key, self-signed for 127.0.0.1 or whatever `names` says (as openssl
    writes subjectAltName)."""

    def __init__(self, directory: Path, names: str = "IP:127.0.0.1") -> None:
        directory.mkdir()
        self.directory = directory
        self.file = directory / "cert.pem"
        self.key = directory / "key.pem"
        self.names = names

    def make(self, issuer: Certificate | None = None) -> Certificate:
        """Make both files; signed by `issuer` where there is one."""
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        who = ["-subj", "/CN=primary", "-addext", f"subjectAltName={self.names}"]
        files = ["-keyout", str(self.key), "-out", str(self.file)]
        signed = [] if issuer is None else ["-CA", str(issuer.file), "-CAkey", str(issuer.key)]
        run([require("openssl"), "req", "-x509", *curve, *who, *files, *signed])
        return self

    def expire(self) -> Certificate:
        """The same key in a certificate of long ago."""
        config, request = self.directory / "ca.conf", self.directory / "request.pem"
        config.write_text(CA_CONFIG.format(self.directory, self.names))
        (self.directory / "index").write_text("")
        (self.directory / "serial").write_text("01\n")
        openssl, key = require("openssl"), str(self.key)
        run([openssl, "req", "-new", "-key", key, "-subj", "/CN=primary", "-out", str(request)])
        days = ["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"]
        files = ["-keyfile", key, "-in", str(request), "-out", str(self.file)]
        run(
            [openssl, "ca", "-batch", "-notext", "-selfsign", "-config", str(config), *days, *files]
        )
        return self

    @property
    def pin(self) -> str:
        """Its key's pin, as we read it."""
        return read_certificate(ssl.PEM_cert_to_DER_cert(self.file.read_text())).pin

    @property
    def table(self) -> list[str]:
        """The files in a [tls] table."""
        return [f'certificate-file = "{self.file}"', f'key-file = "{self.key}"']


class TlsPrimary(ScriptedPrimary):
    """A scripted primary that speaks TLS, and `alpn` where that is something; with `clients`, those
    alone that show that certificate."""

    def __init__(
        self,
        script: Script,
        certificate: Certificate,
        alpn: str = "dot",
        clients: Certificate | None = None,
    ) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate.file, certificate.key)
        if alpn:
            self.context.set_alpn_protocols([alpn])
        if clients is not None:
            self.context.load_verify_locations(clients.file)
            self.context.verify_mode = ssl.CERT_REQUIRED
        super().__init__(script)

    def welcome(self, connection: socket.socket) -> socket.socket:
        return self.context.wrap_socket(connection, server_side=True)

    def __enter__(self) -> TlsPrimary:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
