"""`$GENERATE` makes what BIND makes of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import dns.zone
import pytest
from zone_support import TOP, read

from tests.peers import require
from zonecast.zone.zonefile.text import record_texts

LINES = [
    "$GENERATE 1-3 h$ A 192.0.2.$",
    "$GENERATE 0-20/5 h${0,3,d} 300 A 192.0.2.${100}",
    "$GENERATE 10-12 h${-10,4,x} IN 60 AAAA 2001:db8::$",
    "$GENERATE 250-255 ${0,2,X} CNAME h$.sub",
    "$GENERATE 0-20/4 ${0,7,n} PTR h$.x.",
    "$GENERATE 160-180/10 ${0,0,N} PTR h${0,0,o}.x.",
    "$GENERATE 1-2 d$ TXT $$price-$",
    '$GENERATE 1-2 m$ MX "10 mail$"',
    "$GENERATE 0-1 e\\$$ TXT a\\$$",
    "$GENERATE 7-7 @ TXT x${-3}",
    '$GENERATE 1-2 t$ TXT "x \\"b $\\""',
    "$GENERATE 1-2 t$ TXT a\\ b$ ; (c",
    # A blank owner is the last one that was written.
    "h 60 A 192.0.2.9\n$GENERATE 1-2 h$ A 192.0.2.$\n  TXT x\n",
    "$GENERATE 1-2 h$ A 192.0.2.$\n  TXT x\n\tTXT y",
    "h A 192.0.2.9\n$GENERATE 1-2 h$ A 192.0.2.$\n$GENERATE 1-2 i$ A 192.0.2.$\n TXT x\nh2 TXT z",
]


@pytest.mark.parametrize("line", LINES)
def test_generate_as_named_compilezone(line: str, tmp_path: Path) -> None:
    compile_zone = str(Path(require("named-checkzone")).with_name("named-compilezone"))
    (tmp_path / "in").write_text(f"{TOP}{line}\n")
    subprocess.run(
        [compile_zone, "-k", "ignore", "-i", "none", "-o", "out", "example.com", "in"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        timeout=30,
    )
    theirs = dns.zone.from_file(str(tmp_path / "out"), "example.com", relativize=False)
    expected = {
        f"{name} {rdataset.ttl} IN {line}"
        for name, rdataset in theirs.iterate_rdatasets()
        for line in (f"{rdataset.rdtype.name} {rdata.to_text()}" for rdata in rdataset)
    }
    parsed = read(f"{TOP}{line}\n")
    assert parsed.findings == []
    ours = {text for rrset in parsed.zone for text in record_texts(rrset, parsed.zone.origin)}
    assert ours == expected


@pytest.mark.parametrize(
    "line",
    [
        "$GENERATE 1-2 m$ MX 10 mail$",
        "$GENERATE 1-2 t$ TXT a$ b",
        "$GENERATE 1-2 h$ A (192.0.2.$)",
        "$GENERATE 1-2 h$ ( A 192.0.2.$ )",
        '$GENERATE "1-2" h$ A 192.0.2.$',
        '$GENERATE 1-2 "h$" A 192.0.2.$',
        '$GENERATE 1-2 h$ "A" 192.0.2.$',
        '$GENERATE 1-2 t$ TXT "a\\"b$"',
    ],
)
def test_what_named_does_not_take_is_refused(line: str, tmp_path: Path) -> None:
    (tmp_path / "in").write_text(f"{TOP}{line}\n")
    command = [require("named-checkzone"), "-k", "ignore", "-i", "none", "example.com", "in"]
    theirs = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, timeout=30)
    assert theirs.returncode == 1
    assert [(found.level, found.position.line) for found in read(f"{TOP}{line}\n").findings] == [
        ("error", 5)
    ]
