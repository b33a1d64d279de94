"""`zonecast diff --format markdown`: a comment on a pull request that nothing in a zone can leave."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st
from zone_support import TOP, make_repository, zonecast

from zonecast.cli.diffing.compare import Comparison, ZoneDifference
from zonecast.cli.diffing.markdown import LIMIT, markdown
from zonecast.zone.differences import Difference

ZONE = "zones/example.com.zone"
_TAG = re.compile(r"</?(?:details|summary|code)>")


def _zone(name: str, records: list[Difference], path: str | None = None) -> ZoneDifference:
    return ZoneDifference(
        name, "changed", 1, 2, path, path and f"{path}2", records, [path] if path else []
    )


def _record(owner: str, rdata: str) -> Difference:
    return Difference("add", owner, "TXT", 60, rdata)


def _outside_fences(text: str) -> str:
    """What a forge reads as Markdown and HTML; fails where a block does not end."""
    kept, fenced = [], False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced:
            kept.append(line)
        else:
            assert line[:2] in ("+ ", "- ", "! "), line
    assert not fenced
    return "\n".join(kept)


def test_a_line_in_all_and_each_zone_folded(tmp_path: Path) -> None:
    old = TOP + "a 60 A 192.0.2.2\nb TXT x\n"
    top = make_repository(tmp_path / "zones", {ZONE: old})
    (top / ZONE).write_text(
        TOP.replace("2026112101", "2026112102").replace(" 300\n", " 301\n")
        + "a 61 A 192.0.2.2\nb TXT X\n"
    )
    done = zonecast("diff", "--format", "markdown", cwd=top)
    assert done.stdout == (
        "**1 zone: 1 record added, 1 deleted, 1 with another TTL, 1 SOA changed**\n"
        "\n"
        "<details><summary><code>example.com.</code>: +1 −1 ~1 SOA, "
        "serial 2026112101 → 2026112102</summary>\n"
        "\n"
        "```diff\n"
        "! example.com. IN SOA minimum 300 → 301\n"
        "! a.example.com. 61 IN A 192.0.2.2 (TTL was 60)\n"
        '- b.example.com. 3600 IN TXT "x"\n'
        '+ b.example.com. 3600 IN TXT "X"\n'
        "```\n"
        "\n"
        "</details>\n"
    )
    stat = zonecast("diff", "--format", "markdown", "--stat", cwd=top).stdout
    assert stat.splitlines()[2:] == [
        "| zone | records | |",
        "| --- | --- | --- |",
        "| <code>example.com.</code> | +1 −1 ~1 SOA | serial 2026112101 → 2026112102 |",
    ]


def test_what_cannot_be_read_is_said_in_the_comment(tmp_path: Path) -> None:
    top = make_repository(tmp_path / "zones", {ZONE: TOP})
    (top / ZONE).write_text(TOP + "a A x\nb A 192.0.2.2\n")
    done = zonecast("diff", "--format", "markdown", cwd=top)
    assert "> **Warning:** <code>zones/example.com.zone</code> has errors, so that" in done.stdout
    assert "+ b.example.com. 3600 IN A 192.0.2.2\n" in done.stdout


def test_a_zone_cannot_inject_anything(tmp_path: Path) -> None:
    hostile = "zones/<img src=x>_*`[a](b)|\n\n# @all&.zone"
    top = make_repository(
        tmp_path / "zones",
        {hostile: TOP, "zonecast.toml": f'[origins]\n{json.dumps(hostile)} = "x.test"\n'},
    )
    (top / hostile).write_text(
        TOP + '<script>.b A 192.0.2.1\n"`@me" TXT "```" "</details><b>" "\\010```\\010"\na A x\n'
    )
    for options in ((), ("--stat",)):
        done = zonecast("diff", "--format", "markdown", *options, cwd=top)
        assert done.returncode == 0
        outside = _outside_fences(done.stdout)
        assert "<" not in _TAG.sub("", outside)
        assert "`" not in outside
        assert "@" not in outside
        assert (
            "&#60;img src&#61;x&#62;&#95;&#42;&#96;&#91;a&#93;&#40;b&#41;&#124;··&#35; " in outside
        )


_TEXT = st.text(max_size=60) | st.sampled_from(["```", "\n```\n", "</details>", "\r", "\u2028"])


@settings(max_examples=150)
@given(
    zones=st.lists(
        st.tuples(
            _TEXT, st.lists(st.tuples(_TEXT, _TEXT), max_size=30), st.none() | _TEXT.filter(bool)
        ),
        max_size=20,
    ),
    limit=st.integers(9_500, 14_000),
    stat=st.booleans(),
)
@example([("", [], "<\x1f")], 9_500, False)
def test_any_comparison_fits_and_keeps_its_place(
    zones: list[tuple[str, list[tuple[str, str]], str | None]], limit: int, stat: bool
) -> None:
    found = [
        _zone(name, [_record(*record) for record in records], path) for name, records, path in zones
    ]
    text = markdown(Comparison(found, []), stat, limit)
    assert len(text.encode()) <= limit
    outside = _outside_fences(text)
    assert "<" not in _TAG.sub("", outside)
    assert outside.count("<details>") == outside.count("</details>")


def test_what_is_cut_is_counted_and_small_zones_are_not_cut() -> None:
    big = _zone("big.example.", [_record(f"h{n}.big.example.", "x" * 40) for n in range(5_000)])
    small = [_zone(f"s{n}.example.", [_record(f"s{n}.example.", "y")]) for n in range(50)]
    text = markdown(Comparison([*small, big], []), stat=False)
    assert LIMIT * 0.95 < len(text) <= LIMIT
    assert text.count("IN TXT y") == 50
    shown = text.count("+ h")
    assert f"\n{5_000 - shown} more lines left out.\n" in text
    assert shown > 500


def test_more_zones_than_fit_are_counted() -> None:
    many = [_zone(f"zone{n}.example.", [_record("a", "b")]) for n in range(2_000)]
    for stat, mark in ((False, "<details>"), (True, "| <code>")):
        text = markdown(Comparison(many, []), stat)
        assert len(text.encode()) <= LIMIT
        assert text.count(mark) + int(re.findall(r"(\d+) zones left out", text)[0]) == 2_000
        assert unescape(text).count("zone") > 300


def test_many_files_that_cannot_be_read_leave_room_for_records() -> None:
    paths = [f"zones/{n:060}.zone" for n in range(3_000)]
    zone = _zone("a.example.", [_record("a.example.", "x")])
    text = markdown(Comparison([zone], paths), stat=False)
    assert len(text.encode()) <= LIMIT
    assert "+ a.example. 60 IN TXT x" in text
    told = text.count("is no zone's file")
    assert f"{3_000 - told} more files cannot be read whole" in text
