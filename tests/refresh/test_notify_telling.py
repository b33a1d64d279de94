"""Secondaries are told and asked over real sockets; what each says is in the status."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from notify_support import Secondary, is_notify, notifying, peers, running

from zonecast.protocol.notify import notify_reply
from zonecast.protocol.tsig import Verified, make_key, verify

ORIGIN = b"\x07example\x00"
SECRET = "c2l4dGVlbiBvY3RldHMgYXQgbGVhc3QsIHRoYXQgaXM="
KEY = make_key("xfr.example.", "hmac-sha256", SECRET)


def test_told_and_seen_are_kept(tmp_path: Path) -> None:
    async def run() -> None:
        ns2 = Secondary()
        ns2.listen()
        made = notifying(tmp_path, {"ns2": ns2}, {ORIGIN: 42})
        before = time.time()
        assert made.announce([ORIGIN]) == ["ns2"]
        async with running(made) as until:
            await until(lambda: peers(made, ORIGIN, 42)["ns2"]["has-it"])
        peer = peers(made, ORIGIN, 42)["ns2"]
        assert (peer["told"], peer["seen"], peer["error"]) == (42, 42, "")
        assert before <= peer["told-at"] <= peer["seen-at"]
        ns2.close()
        assert made.announce([ORIGIN]) == [], "it has it"

    asyncio.run(run())


@pytest.fixture
def key_lines(tmp_path: Path) -> tuple[str, ...]:
    """The [[secondary]]'s line, and the [[key]] table."""
    file = tmp_path / "key"
    file.touch(mode=0o600)
    file.write_text(SECRET)
    return (
        'keys = ["xfr.example"]',
        "",
        "[[key]]",
        'name = "xfr.example"',
        f'secret-file = "{file}"',
    )


def test_what_goes_out_is_signed_and_what_comes_back_unsigned_is_not_believed(
    tmp_path: Path, key_lines: tuple[str, ...]
) -> None:
    async def run() -> None:
        honest, forged = Secondary(), Secondary()

        def signed(packet: bytes) -> bytes:
            verified = verify(packet, {KEY.name: KEY}, time.time())
            assert isinstance(verified, Verified)
            return verified.signer.sign(honest.usual(verified.message), time.time())

        def unsigned(packet: bytes) -> bytes:
            verified = verify(packet, {KEY.name: KEY}, time.time())
            assert isinstance(verified, Verified)
            return forged.usual(verified.message)

        honest.answer, forged.answer = signed, unsigned
        honest.listen()
        forged.listen()
        made = notifying(tmp_path, {"ns2": honest, "forged": forged}, {ORIGIN: 42}, *key_lines)
        made.announce([ORIGIN])

        def done() -> bool:
            found = peers(made, ORIGIN, 42)
            return bool(found["ns2"]["has-it"] and "not signed" in found["forged"]["error"])

        async with running(made) as until:
            await until(done)
        assert peers(made, ORIGIN, 42)["forged"]["told"] is None

    asyncio.run(run())


def test_a_refused_notify_is_told_and_the_secondary_is_asked_all_the_same(tmp_path: Path) -> None:
    async def run() -> None:
        ns2 = Secondary()
        ns2.answer = lambda packet: (
            notify_reply(packet, 9) if is_notify(packet) else ns2.usual(packet)
        )
        ns2.listen()
        made = notifying(tmp_path, {"ns2": ns2}, {ORIGIN: 42})
        made.announce([ORIGIN])
        async with running(made) as until:
            await until(lambda: "NOTAUTH to a NOTIFY" in peers(made, ORIGIN, 42)["ns2"]["error"])
            ns2.has[ORIGIN] = 42  # its own refresh found it
            await until(lambda: peers(made, ORIGIN, 42)["ns2"]["has-it"])

    asyncio.run(run())


def test_one_that_comes_back_is_told_what_it_missed(tmp_path: Path) -> None:
    async def run() -> None:
        ns2 = Secondary()
        made = notifying(tmp_path, {"ns2": ns2}, {ORIGIN: 42})
        made.announce([ORIGIN])
        async with running(made) as until:
            await until(lambda: made.silent() == {"ns2"})
            peer = peers(made, ORIGIN, 42)["ns2"]
            assert peer["silent-since"] is not None
            assert "did not answer within" in peer["error"]
            ns2.listen()
            await until(lambda: peers(made, ORIGIN, 42)["ns2"]["has-it"])
        assert made.silent() == frozenset()
        assert peers(made, ORIGIN, 42)["ns2"]["error"] == ""

    asyncio.run(run())


def test_where_nobody_listens_is_found_out_at_once_and_said(tmp_path: Path) -> None:
    async def run() -> None:
        gone = Secondary()
        gone.socket.close()
        made = notifying(tmp_path, {"gone": gone}, {ORIGIN: 42})
        made.announce([ORIGIN])
        async with running(made) as until:
            await until(lambda: made.silent() == {"gone"})
        assert "refused" in peers(made, ORIGIN, 42)["gone"]["error"]

    asyncio.run(run())
