"""Whatever a file's name holds, a person's terminal obeys none of it."""

from __future__ import annotations

import pytest
from zones_clone import ENFORCE, Clone, zone

FILE = "zones/evil\n\x1b[2Jremote: all is well.zone"
SHOWN = r"zones/evil\n\x1b[2Jremote: all is well.zone"
POLICY = ENFORCE + '[origins]\n"zones/evil\\n\\u001b[2Jremote: all is well.zone" = "evil.example"\n'


@pytest.fixture
def evil(enforcing: Clone) -> Clone:
    """A zone whose file has a name that moves the cursor, changed without a serial."""
    enforcing.commit_unchecked({"zonecast.toml": POLICY, FILE: zone(1)})
    enforcing.stage(FILE, zone(1, "www A 192.0.2.1"))
    return enforcing


@pytest.mark.parametrize(
    "words",
    [("check",), ("bump",), ("diff",), ("diff", "--stat"), ("diff", "--format", "markdown")],
)
def test_commands_escape_it(evil: Clone, words: tuple[str, ...]) -> None:
    evil.write("zones/\rnobody\x9b1m.zone.d/db.a..b", "x")
    output = evil.zonecast(*words).output
    assert not [char for char in output if not char.isprintable() and char != "\n"]
    assert "\nremote:" not in output
    if words[0] in ("check", "bump"):
        assert f"{SHOWN}:" in output


def test_hooks_escape_it(evil: Clone) -> None:
    refused = evil.commit()
    assert not refused.ok
    assert f"{SHOWN}:2:27: error: " in refused.output
    assert f"'{SHOWN}'" in refused.output, "in the remedy too"
    assert "\x1b" not in refused.output


def test_a_push_escapes_it(pushing: Clone) -> None:
    pushing.commit_unchecked({"zonecast.toml": POLICY, FILE: zone(1).replace("192.0.2.1", "1")})
    refused = pushing.push()
    assert f"remote: {SHOWN}:5:10: error: " in refused.output
    assert "\x1b[2J" not in refused.output
