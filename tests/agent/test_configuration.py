"""The agent's configuration: what is wrong is said with its place; secrets stay in files."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from zonecast import config as module
from zonecast.config import Config, load
from zonecast.config.tables import (
    CatalogConfig,
    GroupConfig,
    JournalConfig,
    KeyConfig,
    LimitsConfig,
    MemberConfig,
    PeerConfig,
    PrimaryConfig,
    QueryConfig,
    RateLimitConfig,
    RepositoryConfig,
    SecondaryConfig,
    TlsConfig,
    TransfersConfig,
)
from zonecast.config.values import read_branch, read_endpoint, read_prefix
from zonecast.errors import ConfigError
from zonecast.options import key_of
from zonecast.zone.policy import Floors

KEY = '[[key]]\nname = "k.example"\nsecret-file = "{0}"\n'
PRIMARY = '[[primary]]\nname = "ns1"\naddress = "192.0.2.1"\n'

# What stands in the file → what the error says.
WRONG = {
    'colour = "blue"': "unknown key 'colour'",
    "workers = -1": "'workers': expected a whole number from 0 to 256",
    'listen = ["localhost:53"]': "'localhost:53' is no IP address",
    'listen = "127.0.0.1"': "'listen': expected a list",
    'state-dir = "here"': "'here' is not an absolute path",
    "not toml": "not TOML",
    '[[zone]]\nname = "example.com"\nprimaries = ["ns9"]': "pulled from 'ns9'",
    '[[zone]]\nname = "example.com"\nprimaries = []': "has no primaries",
    PRIMARY
    + '[[zone]]\nname = "example.com"\nprimaries = ["ns1", "ns1"]': "'ns1' stands more than once in 'primaries'",
    PRIMARY + '[[catalog]]\nname = "c.example"\nprimaries = ["ns1"]\n'
    '[[catalog.group]]\nname = "g"\nprimaries = ["ns1", "ns1"]': "'ns1' stands more than once in",
    PRIMARY.replace("192.0.2.1", "0.0.0.0"): "0.0.0.0 is the address of no single server",
    '[[secondary]]\nname = "ns2"\naddress = "ff02::1"': "ff02::1 is the address of no single server",
    PRIMARY.replace("192.0.2.1", "255.255.255.255"): "the address of no single server",
    PRIMARY.replace("192.0.2.1", "::ffff:0.0.0.0"): "the address of no single server",
    PRIMARY.replace("192.0.2.1", "[::1]53"): "'[::1]53' is no IP address",
    PRIMARY.replace("192.0.2.1", "[::1"): "'[::1' is no IP address",
    PRIMARY.replace("192.0.2.1", "[::1]:²"): "'[::1]:²' has no port",
    '[query]\nallow = ["fe80::1%eth0"]': "'fe80::1%eth0' names an interface",
    '[query]\nallow = ["::ffff:192.0.2.0/120"]\ndeny = ["192.0.2.0/24"]': "allowed and denied",
    "[[repository]]\n": "give either 'path' or 'url'",
    '[[secondary]]\nname = "ns2"': "[secondary]: 'address' is missing",
    '[[secondary]]\nname = "ns2"\naddress = "192.0.2.2"\nkeys = ["k"]': "which no [[key]] names",
    PRIMARY + 'tls = "on"': "expected one of off, opportunistic, strict",
    PRIMARY + 'tls = "strict"': "nothing says how it is known",
    PRIMARY + 'ca-file = "/ca.pem"': "'ca-file', which counts where tls is \"strict\" alone",
    PRIMARY + 'tls = "strict"\npins = ["c2hvcnQ="]': "'c2hvcnQ=' is no SHA-256 in base64",
    PRIMARY
    + 'tls = "opportunistic"\nkey-file = "/k"': "give both 'certificate-file' and 'key-file'",
    PRIMARY + PRIMARY: "'ns1' stands here more than once",
    '[rails]\nalways = ["mass"]': "'always': expected one of apex-ns, removal, rewrite",
    "[rails]\nmax-delete-at-most = 2": "expected a number from 0.0 to 1.0",
    '[rails]\nprotected = "example.com"': "'protected': expected a list",
    '[[zone]]\nname = "a..b"\nprimaries = ["ns1"]\n' + PRIMARY: "empty label",
}


@pytest.mark.parametrize("text", WRONG)
def test_error_names_the_file_and_what_is_wrong(tmp_path: Path, text: str) -> None:
    file = tmp_path / "zonecast.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert str(file) in str(caught.value)
    assert WRONG[text] in str(caught.value)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("workers = 1\npullers = 0", "2:1: 'pullers'"),
        (PRIMARY + "\n[[secondary]]\n", "5:1: [secondary]: 'name' is missing"),
        (PRIMARY + PRIMARY.replace("ns1", "ns2") + "keys = 1", "7:1: [primary]: 'keys': expected"),
        (PRIMARY + PRIMARY, "4:1: [[primary]]: 'ns1' stands here more than once (line 1)"),
        ('[[catalog]]\nname = "c"\nprimaries = ["x"]', "3:1: [catalog]: 'c.' is to be pulled"),
        (
            PRIMARY + '[[catalog]]\nname = "c"\nprimaries = ["ns1"]\n'
            '[[zone]]\nname = "C"\nprimaries = ["ns1"]',
            "8:1: [zone]: 'c.' is a [[catalog]] as well",
        ),
        (
            PRIMARY + '[[catalog]]\nname = "c"\nprimaries = ["ns1"]\n'
            '[[catalog.group]]\nname = "g"\nprimaries = ["ns7"]',
            "9:1: [catalog.group]: no [[primary]] is named 'ns7'",
        ),
        (
            PRIMARY + '[[catalog]]\nname = "c"\nprimaries = ["ns1"]\nsecondaries = ["ns7"]\n',
            "7:1: [catalog]: no [[secondary]] is named 'ns7'",
        ),
        (
            PRIMARY
            + '[[catalog]]\nname = "c"\nprimaries = ["ns1"]\n'
            + '[[catalog.group]]\nname = "g"\n' * 2,
            "9:1: [catalog]: [[catalog.group]]: 'g' stands here more than once (line 7)",
        ),
        ("[[repository]]\nurl = 'a'\n[[repository]]\n", "3:1: [repository]: give either"),
        ("a = 1\nb = [1", "2:7: not TOML"),
    ],
)
def test_error_names_the_line(tmp_path: Path, text: str, place: str) -> None:
    file = tmp_path / "zonecast.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert str(caught.value).startswith(f"{file}:{place}")


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        ("c2VjcmV0IHRoYXQgaXMgbG9uZyBlbm91Z2g=", 0o644, "everybody can read"),
        ("not base64!", 0o600, "no base64"),
        ("c2hvcnQ=", 0o600, "less than 128 bits"),
        (None, 0o600, "cannot be read"),
    ],
)
def test_bad_secret_is_refused(tmp_path: Path, content: str | None, mode: int, said: str) -> None:
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_text(content)
        secret.chmod(mode)
    file = tmp_path / "zonecast.toml"
    file.write_text(KEY.format(secret))
    done = subprocess.run(
        [sys.executable, "-m", "zonecast", "config", "check", "--config", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert str(secret) in done.stderr


def test_keygen_makes_what_config_check_accepts(tmp_path: Path) -> None:
    secret, file = tmp_path / "k.key", tmp_path / "zonecast.toml"
    command = [sys.executable, "-m", "zonecast", "keygen", "k.example", "--out", str(secret)]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    assert secret.stat().st_mode & 0o007 == 0
    assert secret.read_text().strip() not in made.stdout
    file.write_text(made.stdout)
    load(file).key[0].secret()
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 2


TIMES = {
    **dict.fromkeys(
        ("inf", "nan", "1e-9", "0", "-5", "1e300", "315360001"), "from a millisecond to"
    ),
    **dict.fromkeys(('"3651d"', '"0s"', f'"{"9" * 9}d"'), "from a millisecond to ten years"),
    **dict.fromkeys(
        ('"1d1d1d"', '"5m1h"', '"5"', '"m"', '""', '"²s"', '"1.5h"', "true", f'"{"9" * 5000}d"'),
        "expected seconds, or text such as",
    ),
}


@pytest.mark.parametrize("written", TIMES)
def test_a_time_that_no_clock_can_count_is_refused(tmp_path: Path, written: str) -> None:
    file = tmp_path / "zonecast.toml"
    file.write_text(f"[limits]\nidle-timeout = {written}\n")
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert str(caught.value).startswith(f"{file}:2:1: [limits]: 'idle-timeout': ")
    assert TIMES[written] in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("0.001", 0.001),
        ("90", 90),
        ('"1h30m"', 5400),
        ('"1d2h3m4s"', 93784),
        ('"3650d"', 315360000),
    ],
)
def test_times(tmp_path: Path, written: str, seconds: float) -> None:
    file = tmp_path / "zonecast.toml"
    file.write_text(f"[limits]\nidle-timeout = {written}\n")
    assert load(file).limits.idle_timeout == seconds


BRANCHES = [
    "-x", "a..b", ".a", "a/.b", "a.lock", "a.lock/b", "a/", "/a", "a//b", "a.", "a@{b",
    "a b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "a\tb", "a\x7f",
]  # fmt: skip


def test_a_branch_is_what_git_takes_for_one(tmp_path: Path) -> None:
    for branch in (*BRANCHES, "main", "refs/heads/main", "a/b.c", "lock", "ä", "@", "x-"):
        asked = ["git", "check-ref-format", "--branch", branch]
        git = subprocess.run(asked, capture_output=True, check=False).returncode == 0
        try:
            read_branch(branch)
        except ValueError:
            assert not git, branch
        else:
            assert git, branch
    file = tmp_path / "zonecast.toml"
    file.write_text('[[repository]]\npath = "/r"\nbranch = "-x"\n')
    with pytest.raises(ConfigError, match=r"3:1: .*'-x' is no branch's name"):
        load(file)


@pytest.mark.parametrize(
    ("written", "prefix"),
    [
        ("::ffff:127.0.0.0/104", "127.0.0.0/8"),
        ("::ffff:192.0.2.1", "192.0.2.1/32"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::/0", "::/0"),
        ("2001:db8::/32", "2001:db8::/32"),
    ],
)
def test_prefixes(written: str, prefix: str) -> None:
    assert read_prefix(written) == prefix


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[repository]]\nurl = "https://h.example/z"\ntoken-file = "/none"', "/none: the token"),
        ('[[repository]]\nurl = "h.example:z"\nssh-key-file = "/none"', "/none: 'ssh-key-file'"),
        ('[[repository]]\nurl = "h.example:z"\nknown-hosts = "/none"', "/none: 'known-hosts'"),
        ('cookie-secret-file = "/none"', "/none: the cookie secret cannot be read"),
        ('[tls]\ncertificate-file = "/none"\nkey-file = "/none"', "/none: cannot be read"),
        (PRIMARY.replace("192.0.2.1", "fe80::1%nosuch"), "fe80::1%nosuch, and this host has no"),
    ],
)
def test_config_check_looks_at_files_and_interfaces(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "zonecast.toml"
    file.write_text(text)
    load(file)
    command = [sys.executable, "-m", "zonecast", "config", "check", "--config", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert said in done.stderr


def test_endpoints() -> None:
    assert read_endpoint("192.0.2.1") == ("192.0.2.1", 53)
    assert read_endpoint("192.0.2.1:5353") == ("192.0.2.1", 5353)
    assert read_endpoint("2001:DB8::1") == ("2001:db8::1", 53)
    assert str(read_endpoint("[2001:db8::1]:5353")) == "[2001:db8::1]:5353"


def test_every_option_is_documented_and_every_documented_option_is_there(project: Path) -> None:
    text = (project / "docs" / "configuration.md").read_text()
    agent = text[: text.index("## The repository's policy")]
    documented = set(re.findall(r"^\| `([a-z0-9-]+)` \|", agent, re.MULTILINE))
    tables = {
        "repository",
        "key",
        "secondary",
        "primary",
        "catalog",
        "zone",
        "rails",
        "query",
        "rate-limit",
        "limits",
        "tls",
        "transfers",
        "journal",
    }
    known = {
        key_of(option)
        for cls in (
            Config,
            RepositoryConfig,
            KeyConfig,
            PeerConfig,
            PrimaryConfig,
            MemberConfig,
            CatalogConfig,
            GroupConfig,
            Floors,
            QueryConfig,
            RateLimitConfig,
            LimitsConfig,
            SecondaryConfig,
            TlsConfig,
            TransfersConfig,
            JournalConfig,
        )
        for option in fields(cls)
    } - tables
    known |= {"catalog", "tls"}
    assert documented == known
    assert tables <= set(re.findall(r"`\[+([a-z-]+)\]+`", agent))
    assert module.DEFAULT_PATH.as_posix() in agent
