"""The place of every key of a TOML document, however it is written."""

from __future__ import annotations

import json
from typing import Any

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from zonecast.zone.toml_lines import Lines, Path

DOCUMENT = '''\
# a = 1
include = [  # "x", [y]
  "**/*.zone",  # the first
  'it''s = no', "a\\"b",
]
publish="all"   # [serial]
when = 1979-05-27 07:32:00
text = """
[serial]
mode = "\\"""" # four
raw = \'\'\'
mode = 1\'\'\'

[ serial ]
  mode = "enforce"
[zone."Example.com"]
serial.mode = "managed"
"rails".'max-update' = 1.0
checks = { "glue-*" = "error", inner = { a = [1, {b = 2}] } }

[[key]]
name = "a"
[[key]]
name = "b"
[key.inner]
x = 1
[[key.deep]]
y = 1
[[key.deep]]
y = 2
[zone."\\u0041\\t"]
'''

PLACES: dict[Path, tuple[int, int]] = {
    ("include",): (2, 1),
    ("include", 0): (3, 3),
    ("publish",): (6, 1),
    ("when",): (7, 1),
    ("text",): (8, 1),
    ("raw",): (11, 1),
    ("serial",): (14, 1),
    ("serial", "mode"): (15, 3),
    ("serial", "policy"): (14, 1),
    ("zone", "Example.com"): (16, 1),
    ("zone", "Example.com", "serial", "mode"): (17, 1),
    ("zone", "Example.com", "rails"): (18, 1),
    ("zone", "Example.com", "checks", "glue-*"): (19, 12),
    ("zone", "Example.com", "checks", "inner", "a", 1, "b"): (19, 51),
    ("key", 0): (21, 1),
    ("key", 0, "name"): (22, 1),
    ("key", 1, "name"): (24, 1),
    ("key", 1, "inner", "x"): (26, 1),
    ("key", 1, "deep", 0, "y"): (28, 1),
    ("key", 1, "deep", 1, "y"): (30, 1),
    ("zone", "A\t"): (31, 1),
    ("zone",): (16, 1),
    ("key",): (21, 1),
}


def test_every_way_to_write_a_key() -> None:
    text = DOCUMENT.replace("'it''s = no'", "'its = no'")
    tomli.loads(text)
    lines = Lines(text)
    assert {path: lines.place(path) for path in PLACES} == PLACES
    assert lines.place(("nothing",)) is None
    assert lines.place(()) is None


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_line_ends(end: str) -> None:
    text = f"a = 1\r\n\r\n[b]\r\nc = [\r\n1,\r\n2 ]{end}"
    lines = Lines(text)
    assert lines.place(("b", "c", 1)) == (6, 1)
    assert lines.place(("b", "c")) == (4, 1)


def test_deep_nesting_ends_in_what_was_found() -> None:
    lines = Lines("a = 1\nb = " + "[" * 5000 + "]" * 5000)
    assert lines.place(("b", 0)) == (2, 6)
    assert lines.place(("a",)) == (1, 1)


_KEYS = st.text(alphabet="ab.'\"= #[]\n\té", max_size=4)
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.integers() | st.booleans() | st.text(alphabet='a"\\\n#[]{}=,', max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=12,
)


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_inline(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[ # (\n" + "".join(f"{_inline(item)} ,\n" for item in value) + "]"
    if isinstance(value, str) and "\n" in value:
        return '"""\n' + value.replace("\\", "\\\\").replace('"', '\\"') + '"""'
    return json.dumps(value)


def _paths(value: Any, path: Path = ()) -> list[Path]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        found += _paths(inner, (*path, key))
    return found


@settings(max_examples=150)
@given(st.dictionaries(_KEYS, _VALUES, max_size=4), st.dictionaries(_KEYS, _VALUES, max_size=4))
def test_every_key_of_any_document(top: dict[str, Any], table: dict[str, Any]) -> None:
    """The key, or the item of a list, is what stands at the place."""
    text = "".join(f"{json.dumps(key)} = {_inline(value)} # x\n" for key, value in top.items())
    text += '[[ "the table" ]]\n'
    text += "".join(f"  {json.dumps(key)}= {_inline(value)}\n" for key, value in table.items())
    read = tomli.loads(text)
    assert read == {**top, "the table": [table]}
    lines, split = Lines(text), text.split("\n")
    for path in _paths({**top, "the table": [table]}):
        place = lines.place(path)
        assert place is not None
        rest = "\n".join([split[place.line - 1][place.column - 1 :], *split[place.line :]])
        if path in (("the table",), ("the table", 0)):
            assert rest.startswith("[[")
        elif isinstance(path[-1], str):
            assert rest.startswith(json.dumps(path[-1]))
        else:
            value: Any = read
            for step in path:
                value = value[step]
            assert rest.startswith(_inline(value))


@given(st.text(alphabet="ab.\"'=[]{}#,\n 1\\", max_size=40))
def test_what_is_no_toml_ends_too(text: str) -> None:
    place = Lines(text).place(("a",))
    assert place is None or place.line <= text.count("\n") + 1
