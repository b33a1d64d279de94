"""README's path to a real set-up, run: its configurations, its commands, in its order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from agents import Agent, Secret

from zonecast.cli import main

SECRET = "/etc/zonecast/xfr.example.com.key"


@pytest.fixture(scope="module")
def readme(project: Path) -> str:
    return (project / "README.md").read_text()


def toml_blocks(text: str) -> list[str]:
    return re.findall(r"```toml\n(.*?)```", text, re.DOTALL)


def command_lines(text: str) -> list[str]:
    """The lines of indented blocks, without prompts and comments."""
    lines = re.findall(r"^ {4}(?:\$ )?(.+)$", text, re.MULTILINE)
    return [re.sub(r"\s+#.*", "", line) for line in lines]


def test_every_zonecast_command_exists_with_its_options(project: Path) -> None:
    pages = [project / "README.md", *sorted((project / "docs").glob("*.md"))]
    seen = 0
    for page in pages:
        text = page.read_text()
        found = [line for line in command_lines(text) if re.search(r"\bzonecast [a-z]", line)]
        found += re.findall(r"`(zonecast [a-z][^`]*)`", text)
        for line in found:
            plain = re.sub(r"^sudo (-u \w+ )?", "", line)
            words = plain[plain.index("zonecast ") :].split(" && ")[0].split()[1:]
            if words[0] == "run":
                continue
            _resolve(words, f"{page.name}: {line}")
            seen += 1
    assert seen > 10


def _resolve(words: list[str], where: str) -> None:
    command: click.Command = main
    context = click.Context(main)
    while isinstance(command, click.Group):
        name = words.pop(0)
        found = command.get_command(context, name)
        assert found is not None, where
        command = found
    known = {option for parameter in command.params for option in parameter.opts}
    for word in words:
        word = word.strip("[]")
        if word.startswith("--"):
            assert word in known, f"{where}: {word}"


@pytest.fixture
def hosts(tmp_path: Path, readme: str) -> Iterator[tuple[Agent, Agent]]:
    """README's two hosts, on loopback and in a directory of their own."""
    secret = Secret(tmp_path / "xfr.key").make()
    ns1, ns2 = Agent("ns1", tmp_path / "ns1"), Agent("ns2", tmp_path / "ns2")
    primary, secondary = toml_blocks(readme)
    for agent, text in ((ns1, primary), (ns2, secondary)):
        text = (
            text.replace(SECRET, str(secret.path))
            .replace("/srv/dns/zones.git", str(tmp_path / "zones.git"))
            .replace("192.0.2.1", ns1.address)
            .replace("192.0.2.2", ns2.address)
        )
        agent.configure(*text.splitlines())
    yield ns1, ns2
    ns1.close()
    ns2.close()


def test_ten_minute_path(
    hosts: tuple[Agent, Agent], readme: str, project: Path, tmp_path: Path
) -> None:
    ns1, ns2 = hosts
    section = readme[readme.index("### On ns1") : readme.index("### See who has it")]
    lines = [
        line.removeprefix("sudo -u git ").removeprefix("sudo -u zonecast ")
        for line in command_lines(section)
    ]
    before = [line for line in lines if "/srv/dns/zones.git" in line and "remote" not in line]
    assert [line.split()[0] for line in before] == ["git", "zonecast"]
    own = lines[lines.index("zonecast init zones && cd zones") :]
    _shell(before, tmp_path, project)
    for agent in hosts:
        check = f"zonecast config check --config {agent.config}"
        assert "zonecast config check" in lines
        _shell([check], tmp_path, project)
        agent.start()
    _shell(own, tmp_path, project)
    status = f"zonecast status --wait --timeout 30 --config {ns1.config}"
    said = _shell([status], tmp_path, project)
    assert re.search(r"example\.com\. +\d+ +\d+ +example\.com\.zone .* ns2 has it", said)
    assert "every secondary has it" in said
    assert ns1.serial("example.com.") == ns2.serial("example.com.") is not None


def _shell(lines: list[str], directory: Path, project: Path) -> str:
    """Run README's lines as one script, its places put into `directory`."""
    script = "\n".join(["set -e", *lines])
    script = (
        script.replace("git@ns1:/srv/dns/zones.git", str(directory / "zones.git"))
        .replace("/srv/dns/zones.git", str(directory / "zones.git"))
        .replace("…/example.com.zone", str(project / "sample-zones-repo/zones/example.com.zone"))
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=directory,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    return done.stdout
