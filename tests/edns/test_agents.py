"""Real agents asked with dig and kdig: what the configuration makes of EDNS options."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import dns.edns
import dns.message
import dns.query
import dns.rcode
import pytest
from agents import (
    Agent,
    Secret,
    Zones,
    await_value,
    primary_config,
    secondary_config,
    zone_text,
)
from peers import require

from zonecast.errors import ConfigError
from zonecast.protocol.cookies import Cookies
from zonecast.server.answering.guard import packed
from zonecast.server.cookie_secrets import read_cookie_secrets

OLD, NEW = "e5e973e5a6b2a43f48e7dc849e37bfcf", "445536bcd2513298075a5d379663c962"
SITE = ['identity = "fra-1"', 'version = "zonecast in Frankfurt"']
EXPIRE = 86400


def dig(agent: Agent, *arguments: str) -> str:
    command = [require("dig"), f"@{agent.host}", "-p", str(agent.port), "+tries=1", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def kdig(agent: Agent, *arguments: str) -> str:
    command = [require("kdig"), f"@{agent.host}", "-p", str(agent.port), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def expiry(agent: Agent, *arguments: str) -> list[int]:
    """Every EXPIRE that dig shows."""
    said = dig(agent, "+expire", *arguments)
    return [int(seconds) for seconds in re.findall(r"EXPIRE: (\d+)", said)]


def zone_version(agent: Agent, name: str) -> bytes | None:
    said = agent.query(name, options=[dns.edns.GenericOption(19, b"")]).options
    return next((item.to_wire() for item in said if item.otype == 19), None)


def test_what_a_primary_and_a_secondary_say(
    zones: Zones, secret: Secret, new_agent: Callable[[str], Agent]
) -> None:
    primary, secondary = new_agent("primary"), new_agent("secondary")
    zones.write("example.com.zone", zone_text(7, "www A 192.0.2.1"))
    zones.push()
    primary.configure(*SITE, *primary_config(zones, secret, secondary)).start()
    secondary.configure(*secondary_config(secret, primary)).start()
    secondary.await_serial("example.com.", 7)

    assert 'NSID: 66 72 61 2d 31 ("fra-1")' in dig(primary, "+nsid", "www.example.com")
    assert '"fra-1"' in dig(primary, "CH", "TXT", "id.server.", "+short")
    assert '"zonecast in Frankfurt"' in dig(primary, "CH", "TXT", "version.bind.", "+short")
    # Off where nothing is configured.
    assert "NSID" not in dig(secondary, "+nsid", "www.example.com")
    for name in ("id.server.", "version.bind."):
        assert "status: REFUSED" in dig(secondary, "CH", "TXT", name)

    for agent in (primary, secondary):
        assert zone_version(agent, "www.example.com.") == b"\x02\x00" + (7).to_bytes(4, "big")
        assert "EDE: 20 (Not Authoritative)" in dig(agent, "www.example.org")
        kept = dig(agent, "+tcp", "+keepalive", "www.example.com")
        assert "TCP KEEPALIVE: 10.0 secs" in kept or "TCP-KEEPALIVE: 10.0 secs" in kept
        assert "COOKIE" in kept
        assert "KEEPALIVE" not in dig(agent, "+keepalive", "www.example.com")

    signed = ("-y", f"hmac-sha256:xfr.example:{secret.text}")
    assert expiry(primary, "example.com", "SOA") == [EXPIRE]
    assert expiry(primary, "www.example.com") == []
    assert set(expiry(primary, *signed, "example.com", "AXFR")) <= {EXPIRE}
    # What is left is what the controller keeps, and less with each second.
    first = await_value(lambda: _below(expiry(secondary, "example.com", "SOA"), EXPIRE), "a timer")
    await_value(lambda: _below(expiry(secondary, "example.com", "SOA"), first), "a second to pass")
    assert expiry(primary, "example.com", "SOA") == [EXPIRE]


def _below(found: list[int], bound: int) -> int | None:
    (seconds,) = found
    assert seconds > bound - 3600
    return seconds if seconds < bound else None


def cookie_of(agent: Agent, cookie: bytes, *, tcp: bool = False) -> tuple[int, bytes]:
    """RCODE and cookie of an answer."""
    option = dns.edns.GenericOption(dns.edns.OptionType.COOKIE, cookie)
    query = dns.message.make_query("example.com.", "SOA", use_edns=0, options=[option])
    ask = dns.query.tcp if tcp else dns.query.udp
    reply = ask(query, agent.host, port=agent.port, timeout=5)
    (said,) = (item for item in reply.options if item.otype == dns.edns.OptionType.COOKIE)
    return reply.rcode(), said.to_wire() or b""


def test_cookies_and_their_secrets_change_with_a_reload(
    zones: Zones, secret: Secret, tmp_path: Path, new_agent: Callable[[str], Agent]
) -> None:
    agent = new_agent("agent")
    file = tmp_path / "cookie"
    file.touch(mode=0o600)
    file.write_text(f"{OLD}\n")
    zones.write("example.com.zone", zone_text(7))
    zones.push()
    site = [f'cookie-secret-file = "{file}"', "require-cookies = true"]
    agent.configure(*site, *primary_config(zones, secret)).start()
    agent.await_serial("example.com.", 7)

    rcode, cookie = cookie_of(agent, b"12345678")
    assert rcode == dns.rcode.BADCOOKIE
    assert cookie_of(agent, cookie) == (dns.rcode.NOERROR, cookie)
    assert cookie_of(agent, cookie, tcp=True) == (dns.rcode.NOERROR, cookie)
    assert "(good)" in dig(agent, "+cookie", "example.com", "SOA")
    assert "status: NOERROR" in kdig(agent, "+cookie", "+badcookie", "example.com", "SOA")

    def reload(text: str) -> None:
        file.write_text(text)
        assert agent.process is not None
        agent.process.send_signal(signal.SIGHUP)

    def made_by(name: str) -> bool:
        answered = cookie_of(agent, cookie)[1]
        made = int.from_bytes(answered[12:16], "big")
        return Cookies([bytes.fromhex(name)]).judge(answered, packed(agent.host), made).valid

    assert made_by(OLD)
    reload(f"{NEW}\n{OLD}\n")
    await_value(lambda: made_by(NEW), "the new secret")
    assert cookie_of(agent, cookie)[0] == dns.rcode.NOERROR
    reload(f"{NEW}\n")
    await_value(lambda: cookie_of(agent, cookie)[0] == dns.rcode.BADCOOKIE, "the old one's end")

    # A file that is none keeps what was.
    reload("not a secret\n")
    await_value(lambda: "not 32 hexadecimal digits" in agent.log, "the complaint")
    assert cookie_of(agent, cookie)[0] == dns.rcode.BADCOOKIE


@pytest.mark.parametrize(
    ("text", "mode", "complaint"),
    [
        ("", 0o600, "holds 0 secrets"),
        (f"{OLD}\n{NEW}\n{OLD}\n", 0o600, "holds 3 secrets"),
        (f"{OLD}\n{NEW[:-1]}\n", 0o600, ":2: not 32 hexadecimal digits"),
        (f"{OLD}\n", 0o644, "everybody can read the cookie secret"),
        (None, 0o600, "cannot be read"),
    ],
)
def test_what_is_wrong_with_a_secret_file_is_said(
    text: str | None, mode: int, complaint: str, tmp_path: Path
) -> None:
    file = tmp_path / "cookie"
    if text is not None:
        file.write_text(text)
        file.chmod(mode)
    with pytest.raises(ConfigError) as raised:
        read_cookie_secrets(file)
    assert complaint in str(raised.value)
    assert str(file) in str(raised.value)
