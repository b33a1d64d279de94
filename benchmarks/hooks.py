"""Git's hooks: how long a commit and a push wait for a judgement on one zone of 100 records, in a
repository of 50, the start of Python included; beside what people write by hand today
(named-checkzone on each changed file and a comparison of serials, in shell and awk), and beside
dzonegit where it can be installed.

    python benchmarks/hooks.py [--rounds 20] [--zones 50] [--records 100]

Prints a Markdown table. Every round changes one zone and asks each contestant in turn: its hook
alone, as git starts it, and a whole `git commit`. Times are of everything that was started: CPU,
user and system, and wall; medians, and the span from the lower to the upper quartile.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

DZONEGIT = "dzonegit==0.15"

# The only one that dzonegit takes.
BRANCH = "master"

CLIENT_SCRIPT = """\
#!/bin/sh
# What is found in many a zones repository: each staged zone compiles, and its serial went up.
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
serial() { awk '$1 == "loaded" && $2 == "serial" { print $3 }'; }
load() { named-checkzone -i local "$1" "$2" | sed -n 's/^zone .*: loaded/loaded/p' | serial; }
git diff --cached --name-only --diff-filter=ACM -- '*.zone' | while read -r file; do
    zone=$(basename "$file" .zone)
    git show ":$file" > "$work/new"
    new=$(load "$zone" "$work/new")
    [ -n "$new" ] || { echo "$file does not compile" >&2; exit 1; }
    if git show "HEAD:$file" > "$work/old" 2> /dev/null; then
        old=$(load "$zone" "$work/old")
        [ "$new" -gt "$old" ] || { echo "$file: serial $new after $old" >&2; exit 1; }
    fi
done
"""

SERVER_SCRIPT = CLIENT_SCRIPT.replace(
    "git diff --cached --name-only --diff-filter=ACM -- '*.zone' |",
    "read -r from to ref\n"
    "git diff --name-only --diff-filter=ACM \"$from\" \"$to\" -- '*.zone' |",
).replace('":$file"', '"$to:$file"').replace('"HEAD:$file"', '"$from:$file"')  # fmt: skip


class Time(NamedTuple):
    """What something took, in milliseconds."""

    cpu: float
    wall: float


def timed(action: Callable[[], None]) -> Time:
    """The time of all processes that an action started and waited for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    action()
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Time(cpu * 1000, wall * 1000)


def run(words: list[str], cwd: Path, stdin: str = "") -> str:
    """What a command prints. Raises SystemExit where it fails."""
    done = subprocess.run(words, cwd=cwd, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{words} failed:\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def zone(number: int, serial: int, records: int, change: int = 0) -> str:
    """A zone of so many records; `change` is in one of them."""
    hosts = records - 4
    lines = [
        "$TTL 3600",
        f"@ IN SOA ns1 hostmaster ( {serial} 7200 900 1209600 300 )",
        "@ IN NS ns1",
        "@ IN NS ns2.example.net.",
        "ns1 IN A 192.0.2.1",
        *(
            f"host{host} IN A 10.{number}.{host // 250}.{host % 250 + 1}"
            for host in range(hosts - 1)
        ),
        f"changed IN A 10.255.{change // 250}.{change % 250 + 1}",
    ]
    return "\n".join(lines) + "\n"


class Contestant(NamedTuple):
    """Somebody's two hooks, each a file."""

    name: str
    pre_commit: Path
    pre_receive: Path


def ours(directory: Path) -> Contestant:
    """Our hooks as `hook install` writes them."""
    command = [sys.executable, "-m", "zonecast", "hook", "install"]
    run(["git", "init", "-q", "clone"], directory)
    run(["git", "init", "-q", "--bare", "server.git"], directory)
    run(command, directory / "clone")
    run([*command, "--server", "server.git"], directory)
    return Contestant(
        "zonecast",
        directory / "clone/.git/hooks/pre-commit",
        directory / "server.git/hooks/pre-receive",
    )


def script(directory: Path) -> Contestant | None:
    """The hand-written ones, where there is a named-checkzone."""
    if shutil.which("named-checkzone") is None:
        return None
    found = []
    for name, text in (("pre-commit", CLIENT_SCRIPT), ("pre-receive", SERVER_SCRIPT)):
        file = directory / name
        file.write_text(text)
        file.chmod(0o755)
        found.append(file)
    return Contestant("shell, awk and named-checkzone", *found)


def dzonegit(directory: Path) -> Contestant | None:
    """dzonegit in an environment of its own, where pip can get it and there is named-compilezone."""
    if shutil.which("named-compilezone") is None:
        return None
    environment = directory / "venv"
    for words in (
        [sys.executable, "-m", "venv", str(environment)],
        [str(environment / "bin/python"), "-m", "pip", "install", "-q", DZONEGIT],
    ):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"no dzonegit: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
            return None
    client, server = (
        environment / f"bin/dzonegit-{name}" for name in ("pre-commit", "pre-receive")
    )
    return Contestant(DZONEGIT.replace("==", " "), client, server)


class Ground:
    """A repository of zones, and the one that it is pushed to."""

    def __init__(self, directory: Path, zones: int, records: int) -> None:
        self.clone = directory / "ground"
        self.server = directory / "ground.git"
        self.records = records
        self.serial = 1
        run(["git", "init", "-q", "-b", BRANCH, str(self.clone)], directory)
        run(["git", "init", "-q", "--bare", "-b", BRANCH, str(self.server)], directory)
        (self.clone / "zonecast.toml").write_text(
            '[serial]\nmode = "enforce"\npolicy = "increment"\n'
        )
        (self.clone / "zones").mkdir()
        for number in range(zones):
            self.file(number).write_text(zone(number, 1, records))
        run(["git", "add", "-A"], self.clone)
        self.git("commit", "-q", "-m", "zones")
        self.git("push", "-q", str(self.server), BRANCH)

    def git(self, *words: str) -> str:
        """A git command in the clone, without hooks."""
        options = ["-c", "user.name=bench", "-c", "user.email=bench@example.com"]
        return run(["git", *options, "-c", "core.hooksPath=/dev/null", *words], self.clone)

    def file(self, number: int) -> Path:
        """A zone's file."""
        return self.clone / f"zones/zone{number}.example.zone"

    def stage(self) -> None:
        """One record changed in one zone, its serial raised, staged."""
        self.serial += 1
        self.file(7).write_text(zone(7, self.serial, self.records, self.serial))
        self.git("add", "-A")

    def pre_commit(self, hook: Path) -> Time:
        """The hook alone."""
        return timed(lambda: self._ask(hook, self.clone))

    def _ask(self, hook: Path, where: Path, stdin: str = "", **more: str) -> None:
        variables = {**os.environ, **more}
        words = [str(hook)]
        done = subprocess.run(
            words,
            cwd=where,
            env=variables,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{hook} refuses:\n{done.stdout}{done.stderr}")

    def commit(self, hook: Path | None) -> Time:
        """A whole `git commit` with this hook, or none, as its pre-commit."""
        hooks = self.clone / ".git/hooks"
        target = hooks / "pre-commit"
        target.unlink(missing_ok=True)
        if hook is not None:
            target.symlink_to(hook)
        words = ["git", "-c", "user.name=bench", "-c", "user.email=bench@example.com", "commit"]
        taken = timed(lambda: void(run([*words, "-q", "-m", "change"], self.clone)))
        self.git("reset", "-q", "--soft", "HEAD~1")
        return taken

    def pre_receive(self, hook: Path) -> Time:
        """The server's hook alone; the pushed commit is in the repository already."""
        self.git("commit", "-q", "-m", "change")
        old, new = self.git("rev-parse", "HEAD~1"), self.git("rev-parse", "HEAD")
        self.git("push", "-q", "--force", str(self.server), "HEAD:refs/heads/pushed")
        taken = timed(
            lambda: self._ask(hook, self.server, f"{old} {new} refs/heads/{BRANCH}\n", GIT_DIR=".")
        )
        self.git("reset", "-q", "--soft", "HEAD~1")
        return taken


def void(result: object) -> None:
    """Nothing of it."""
    del result


def shown(times: list[Time]) -> str:
    """Medians of CPU and wall time and the quartiles of each."""
    parts = []
    for values in ([each.cpu for each in times], [each.wall for each in times]):
        lower, middle, upper = statistics.quantiles(values, n=4, method="inclusive")
        parts.append(f"{middle:.0f} ({lower:.0f}–{upper:.0f})")
    return " | ".join(parts)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--zones", type=int, default=50)
    parser.add_argument("--records", type=int, default=100)
    options, _ = parser.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="zonecast-bench-") as name:
        top = Path(name)
        contestants = []
        for number, make in enumerate((ours, script, dzonegit)):
            (top / str(number)).mkdir()
            made = make(top / str(number))
            if made is not None:
                contestants.append(made)
        ground = Ground(top, options.zones, options.records)
        report(contestants, ground, options.rounds)


def report(contestants: list[Contestant], ground: Ground, rounds: int) -> None:
    """The rounds, and the table."""
    alone: dict[str, list[Time]] = {each.name: [] for each in contestants}
    pushed: dict[str, list[Time]] = {each.name: [] for each in contestants}
    commits: dict[str, list[Time]] = {"no hook": [], **{each.name: [] for each in contestants}}
    for _ in range(rounds):
        ground.stage()
        for each in contestants:
            alone[each.name].append(ground.pre_commit(each.pre_commit))
            pushed[each.name].append(ground.pre_receive(each.pre_receive))
            commits[each.name].append(ground.commit(each.pre_commit))
        commits["no hook"].append(ground.commit(None))
    print("## Hooks\n")
    print(
        f"One record changed in a zone of {ground.records} records, in a repository of "
        f"{len(list(ground.clone.glob('zones/*')))} such zones; {rounds} rounds. Milliseconds: "
        "median (quartiles).\n"
    )
    print("| what | whose | CPU, ms | wall, ms |")
    print("| --- | --- | --- | --- |")
    for what, times in (
        ("pre-commit alone", alone),
        ("pre-receive alone", pushed),
        ("`git commit`", commits),
    ):
        for whose, taken in times.items():
            print(f"| {what} | {whose} | {shown(taken)} |")


if __name__ == "__main__":
    main()
