"""Answers of many messages: every one signed by us, and what a client accepts of others."""

from __future__ import annotations

import dns.message
import dns.name
import dns.tsig
import pytest
from transfer_support import KEY_NAME, KEY_SECRET, DictSource, message, question, soa, wire, zone

from zonecast.protocol.transfer_out import axfr_messages
from zonecast.protocol.tsig import (
    Checker,
    Signer,
    TsigError,
    Verified,
    has_tsig,
    make_key,
    sign_request,
    verify,
)

NOW = 1_700_000_000.0
KEY = make_key(KEY_NAME, "hmac-sha256", KEY_SECRET)
PLAIN = message(wire(soa(2)))


def dialogue() -> tuple[Checker, Signer, bytes]:
    request, checker = sign_request(PLAIN, KEY, NOW)
    verified = verify(request, {KEY.name: KEY}, NOW)
    assert isinstance(verified, Verified)
    return checker, verified.signer, request


def test_a_signed_transfer_is_read_by_dnspython(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: NOW)
    query = dns.message.make_query("example.com.", "AXFR")
    key = dns.tsig.Key(KEY_NAME, KEY_SECRET, "hmac-sha256")
    query.use_tsig({dns.name.from_text(KEY_NAME): key})
    verified = verify(query.to_wire(), {KEY.name: KEY}, NOW)
    assert isinstance(verified, Verified)
    records = [(f"h{n}", "TXT", 60, f'"{"x" * 200}"') for n in range(1000)]
    plain = list(axfr_messages(query.id, question("AXFR"), DictSource(zone(5, records))))
    assert len(plain) > 3
    context = None
    for number, one in enumerate(plain):
        signed = verified.signer.sign(one, NOW + number)
        assert len(signed) <= 65535
        read = dns.message.from_wire(
            signed,
            keyring=query.keyring,
            request_mac=query.mac,
            xfr=True,
            tsig_ctx=context,
            multi=True,
        )
        assert read.had_tsig
        context = read.tsig_ctx


def by_dnspython(query: dns.message.Message, count: int, every: int) -> list[bytes]:
    """A stream as dnspython signs it, with unsigned messages in between."""
    [key] = query.keyring.values() if isinstance(query.keyring, dict) else [query.keyring]
    context = None
    found = []
    for number in range(count):
        if number % every and number != count - 1:
            context.update(PLAIN)
            found.append(PLAIN)
            continue
        answer = dns.message.from_wire(PLAIN)
        answer.use_tsig(key, original_id=7)
        answer.request_mac = query.mac
        found.append(answer.to_wire(multi=True, tsig_ctx=context))
        context = answer.tsig_ctx
    return found


@pytest.mark.parametrize("every", [1, 2, 100])
def test_unsigned_messages_between_signed_ones(monkeypatch: pytest.MonkeyPatch, every: int) -> None:
    """Pitfall: up to 99 messages are covered by the next signature, whose MAC has the timers
    alone."""
    monkeypatch.setattr("time.time", lambda: NOW)
    query = dns.message.make_query("example.com.", "AXFR")
    query.use_tsig(dns.tsig.Key(KEY_NAME, KEY_SECRET, "hmac-sha256"))
    query.to_wire()
    checker = Checker(KEY, query.mac)
    stream = by_dnspython(query, 202, every)
    assert sum(map(has_tsig, stream)) == {1: 202, 2: 102, 100: 4}[every]
    for one in stream:
        plain = checker.check(one, NOW)
        assert not has_tsig(plain)
        assert dns.message.from_wire(plain).answer == dns.message.from_wire(PLAIN).answer
    checker.finish()


def test_more_than_99_unsigned_messages_are_refused() -> None:
    checker, signer, _ = dialogue()
    checker.check(signer.sign(PLAIN, NOW), NOW)
    for _ in range(99):
        checker.check(PLAIN, NOW)
    with pytest.raises(TsigError, match="more than 99"):
        checker.check(PLAIN, NOW)


def test_the_first_message_must_be_signed() -> None:
    checker, _, _ = dialogue()
    with pytest.raises(TsigError, match="is not signed"):
        checker.check(PLAIN, NOW)
    refused = message([], flags=0x8405)
    with pytest.raises(TsigError, match=r"answer \(REFUSED\) is not signed"):
        checker.check(refused, NOW)


def test_the_last_message_must_be_signed() -> None:
    checker, signer, _ = dialogue()
    with pytest.raises(TsigError, match="last message"):
        checker.finish()
    checker.check(signer.sign(PLAIN, NOW), NOW)
    checker.check(PLAIN, NOW)
    with pytest.raises(TsigError, match="last message"):
        checker.finish()


def test_an_unsigned_message_changed_on_the_way_breaks_the_next_signature() -> None:
    checker, signer, _ = dialogue()
    checker.check(signer.sign(PLAIN, NOW), NOW)
    checker.check(PLAIN, NOW)
    with pytest.raises(TsigError, match="signature is wrong"):
        checker.check(signer.sign(PLAIN, NOW), NOW)


def test_messages_swapped_or_repeated_are_refused() -> None:
    first, second = (message(wire(soa(serial))) for serial in (1, 2))
    checker, signer, _ = dialogue()
    one, two = signer.sign(first, NOW), signer.sign(second, NOW)
    with pytest.raises(TsigError, match="signature is wrong"):
        checker.check(two, NOW)
    assert checker.check(one, NOW) == first, "a forged datagram spoils nothing"
    with pytest.raises(TsigError, match="signature is wrong"):
        checker.check(one, NOW)


def test_an_answer_to_another_request_is_refused() -> None:
    _, signer, _ = dialogue()
    other, _ = sign_request(message([]), KEY, NOW)
    verified = verify(other, {KEY.name: KEY}, NOW)
    assert isinstance(verified, Verified)
    checker, _, _ = dialogue()
    with pytest.raises(TsigError, match="signature is wrong"):
        checker.check(verified.signer.sign(PLAIN, NOW), NOW)
    checker.check(signer.sign(PLAIN, NOW), NOW)


@pytest.mark.parametrize("name", ["xfr.example.", "other.example."])
def test_an_old_answer_and_one_under_another_key_are_refused(name: str) -> None:
    checker, _, request = dialogue()
    mac = dns.message.from_wire(request, keyring=False).tsig[0].mac
    signer = Signer(make_key(name, "hmac-sha256", KEY_SECRET), mac)
    with pytest.raises(TsigError, match=r"seconds ago|another key"):
        checker.check(signer.sign(PLAIN, NOW - 301), NOW)


@pytest.mark.parametrize(
    ("keys", "at", "says"),
    [({}, NOW, "BADKEY"), ({KEY.name: KEY._replace(secret=bytes(32))}, NOW, "BADSIG"),
     ({KEY.name: KEY}, NOW + 999, "BADTIME")],
)  # fmt: skip
def test_what_the_server_found_wrong_is_told(keys: dict, at: float, says: str) -> None:
    checker, _, request = dialogue()
    failure = verify(request, keys, at)
    with pytest.raises(TsigError, match=says):
        checker.check(failure.reply(request), NOW)  # type: ignore[union-attr]
