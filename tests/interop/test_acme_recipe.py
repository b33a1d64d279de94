"""docs/acme.md, carried out: its zone files, its server, its update, and where the challenge is then
found; and what who sends the UPDATE to zonecast is told."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.tsigkeyring
import dns.update
import pytest
from agents import Agent, Secret, Zones, await_value, run
from peers import require
from real_servers import RealServer

NAMES = ("acme.example.net", "example.com", "example.org")
CHALLENGE = '"the-challenges-digest"'
KEY_NAME = "acme.example.net"


@pytest.fixture(scope="module")
def page(project: Path) -> str:
    return (project / "docs" / "acme.md").read_text()


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def zone_files(page: str) -> dict[str, str]:
    return dict(zip(NAMES, blocks(page, "zone"), strict=True))


class Bind(RealServer):
    """The page's server for challenges."""

    def start(self, page: str) -> None:
        [conf] = blocks(page, "conf")
        self.secret.text = re.findall(r'secret "([^"]+)"', conf)[0]
        (self.directory / "acme.example.net.zone").write_text(zone_files(page)[NAMES[0]])
        config = self.directory / "named.conf"
        options = (
            f'options {{ directory "{self.directory}"; pid-file none; session-keyfile none;'
            f" lock-file none; listen-on port {self.port} {{ 127.0.0.1; }};"
            " listen-on-v6 { none; }; recursion no; };\ncontrols { };\n"
        )
        config.write_text(options + conf.replace("/var/lib/bind", str(self.directory)))
        self.launch([require("named"), "-g", "-n", "1", "-c", str(config)])
        await_value(self.answers, "named to answer")

    def answers(self) -> dns.message.Message | None:
        query = dns.message.make_query("acme.example.net.", "SOA")
        try:
            return dns.query.udp(query, "127.0.0.1", port=self.port, timeout=0.5)
        except (OSError, dns.exception.Timeout):
            return None


def nsupdate(page: str, port: int) -> subprocess.CompletedProcess[str]:
    """The page's nsupdate, to another port."""
    [block] = re.findall(r"^ {4}(nsupdate .*?) {4}END$", page, re.MULTILINE | re.DOTALL)
    options, *script = [line.strip() for line in block.splitlines()]
    return subprocess.run(
        [require("nsupdate"), *options.split()[1:-1]],
        input="\n".join(script).replace("server 192.0.2.3", f"server 127.0.0.1 {port}") + "\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_its_zone_files_have_no_finding(page: str, zones: Zones) -> None:
    """The challenge's zone by itself: it is another server's."""
    found = zone_files(page)
    for name in NAMES[1:]:
        zones.write(f"{name}.zone", found[name])
    assert "2 zones: 0 errors, 0 warnings" in run(
        [sys.executable, "-m", "zonecast", "check", str(zones.clone)]
    )
    apart = zones.directory / "acme"
    apart.mkdir()
    (apart / "acme.example.net.zone").write_text(found[NAMES[0]])
    assert "1 zone: 0 errors, 0 warnings" in run(
        [sys.executable, "-m", "zonecast", "check", str(apart)]
    )


@pytest.fixture
def agent(page: str, zones: Zones, new_agent: Callable[[str], Agent]) -> Agent:
    """An agent that publishes the page's zones."""
    for name, text in list(zone_files(page).items())[1:]:
        zones.write(f"{name}.zone", text)
    zones.push()
    made = new_agent("ns1").configure("[[repository]]", f'path = "{zones.bare}"').start()
    made.await_serial("example.org.", 2026112101)
    return made


def test_a_challenge_is_found_where_the_name_points(
    page: str, agent: Agent, tmp_path: Path
) -> None:
    bind = Bind("named", tmp_path / "bind", Secret(tmp_path / "unused"))
    try:
        bind.start(page)
        done = nsupdate(page, bind.port)
        assert (done.returncode, done.stderr) == (0, "")
        [alias] = agent.query("_acme-challenge.www.example.com.", "TXT").answer
        target = alias[0].target
        reply = dns.query.udp(
            dns.message.make_query(target, "TXT"), "127.0.0.1", port=bind.port, timeout=5
        )
        assert reply.answer[0][0].to_text() == CHALLENGE
        other = dns.update.UpdateMessage("acme.example.net.")
        other.use_tsig(dns.tsigkeyring.from_text({KEY_NAME: bind.secret.text}))
        other.add("www", 60, "A", "192.0.2.66")
        refused = dns.query.tcp(other, "127.0.0.1", port=bind.port, timeout=5)
        assert refused.rcode() == dns.rcode.REFUSED, "its key is good for TXT records alone"
    finally:
        bind.stop()
    referral = agent.query("_acme-challenge.www.example.org.", "TXT")
    assert (referral.answer, referral.flags & dns.flags.AA) == ([], 0)
    assert referral.authority[0][0].target.to_text() == "ns.acme.example.net."


@pytest.mark.parametrize("over", [dns.query.udp, dns.query.tcp])
def test_an_update_to_zonecast_is_refused_with_the_reason(
    agent: Agent, over: Callable[..., dns.message.Message]
) -> None:
    update = dns.update.UpdateMessage("example.com.")
    update.absent("new")
    update.replace("_acme-challenge.www", 60, "TXT", CHALLENGE)
    update.use_edns(0)
    reply = over(update, "127.0.0.1", port=agent.port, timeout=5)
    assert reply.rcode() == dns.rcode.NOTIMP
    [error] = [option for option in reply.options if isinstance(option, dns.edns.EDEOption)]
    assert error.code == dns.edns.EDECode.NOT_SUPPORTED
    plain = dns.update.UpdateMessage("example.com.")
    plain.delete("www")
    reply = over(plain, "127.0.0.1", port=agent.port, timeout=5)
    assert (reply.rcode(), reply.edns) == (dns.rcode.NOTIMP, -1)
    assert agent.query("www.example.com.").answer, "and nothing has changed"


def test_nsupdate_says_so(page: str, agent: Agent) -> None:
    """With a key that zonecast does not know, and with none."""
    here = page.replace("update add www.example.com.acme.example.net", "update add new.example.com")
    signed = nsupdate(here, agent.port)
    assert signed.returncode
    assert "NOTAUTH" in signed.stderr
    unsigned = nsupdate(re.sub(r"nsupdate -y \S+", "nsupdate -v", here), agent.port)
    assert unsigned.returncode
    assert "update failed: NOTIMP" in unsigned.stderr
