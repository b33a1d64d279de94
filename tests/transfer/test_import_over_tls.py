"""`zonecast import` over TLS: from who has the key that is expected, and never in clear."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path

from import_support import import_zones, records_in
from tls_support import Certificate, TlsPrimary
from transfer_support import DictSource, as_stored, question, zone

from zonecast.protocol.transfer_out import axfr_messages

ZONE = zone(5)
NO_PIN = base64.b64encode(bytes(32)).decode()


def good(query: bytes) -> Iterable[bytes]:
    return axfr_messages(int.from_bytes(query[:2], "big"), question("AXFR"), DictSource(ZONE))


def test_from_the_pinned_key_alone(tmp_path: Path) -> None:
    certificate = Certificate(tmp_path / "primary").make()
    tree = tmp_path / "tree"
    tree.mkdir()
    with TlsPrimary(good, certificate) as primary:
        at = ("--axfr", f"127.0.0.1:{primary.port}", "--into", str(tree), "example.com")
        wrong = import_zones(tmp_path, *at, "--tls", "--pin", NO_PIN)
        assert wrong.returncode == 3
        assert f"the pin of its key is {certificate.pin}" in wrong.stderr
        stranger = import_zones(tmp_path, *at, "--tls", "--tls-name", "ns1.example")
        assert stranger.returncode == 3
        assert "not accepted" in stranger.stderr
        assert import_zones(tmp_path, *at).returncode == 3, "in clear it says nothing"
        assert list(tree.iterdir()) == []
        done = import_zones(tmp_path, *at, "--tls", "--pin", certificate.pin)
        assert (done.returncode, done.stdout.count("serial 5")) == (0, 1), done.stderr
    assert records_in((tree / "example.com.zone").read_text()) == as_stored(ZONE)
    for options in (("--pin", certificate.pin), ("--tls", "--pin", "nonsense")):
        assert import_zones(tmp_path, "--axfr", "127.0.0.1", *options, "a.test").returncode == 2
