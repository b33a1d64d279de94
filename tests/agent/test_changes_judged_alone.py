"""What a commit changes in a big file, judged alone, gets the verdict that the whole file gets."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import event, given, settings
from hypothesis import strategies as st

from zonecast.server.publishing.stepping import judge_change
from zonecast.store.schema import prepare
from zonecast.store.writer import ZonesWriter
from zonecast.zone import names
from zonecast.zone.gate import judge
from zonecast.zone.policy import Policy
from zonecast.zone.rrset import Zone
from zonecast.zone.zonefile import Parsed, read_zone

ORIGIN = names.from_text("example.com.")
PATH = "example.com.zone"
FILLING = "".join(f"filling{n} A 198.51.100.{n % 250}\n" for n in range(300))
HEAD = """\
$TTL 300
@ IN SOA ns1 hostmaster ( {} ; serial
    7200 3600 1209600 300 )
  NS ns1
  NS ns.sub
"""
RECORDS = st.builds(
    "{} {}".format,
    st.sampled_from(["ns1", "ns1", "ns.sub", "sub", "@", "www", "a.www", "*", "b", " ", "WWW"]),
    st.sampled_from(
        [
            "A 192.0.2.1",
            "A 192.0.2.2",
            "AAAA 2001:db8::1",
            "CNAME www",
            "CNAME b",
            "DNAME example.net.",
            "NS ns1",
            "NS ns.sub",
            "MX 10 www",
            "DS 1 13 2 " + "00" * 32,
            "CDS 1 13 2 " + "00" * 32,
            'TXT "v=spf1 -all"',
            "SRV 0 0 53 b",
        ]
    ),
)


def read(text: str) -> Parsed:
    return read_zone(text.encode(), path=PATH, origin=ORIGIN, include=None)


@st.composite
def versions(draw: st.DrawFn) -> tuple[str, str]:
    lines = ["ns1 A 192.0.2.1", "ns.sub A 192.0.2.2", *draw(st.lists(RECORDS, max_size=8))]
    edited = list(lines)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(edited)))
        edited[at : at + draw(st.integers(0, 2))] = draw(st.lists(RECORDS, max_size=2))
    serial = draw(st.sampled_from([2, 2, 2, 2, 1, 0]))
    end = "\n" + FILLING
    return HEAD.format(1) + "\n".join(lines) + end, HEAD.format(serial) + "\n".join(edited) + end


@settings(max_examples=60, deadline=None)
@given(
    versions(),
    st.sampled_from(["", '[serial]\nmode = "managed"', '[checks]\nmx-no-address = "error"']),
)
def test_a_change_gets_the_verdict_of_the_whole_file(texts: tuple[str, str], policy: str) -> None:
    rules = Policy.from_toml(policy.encode(), "zonecast.toml").zone(ORIGIN)
    old, new = read(texts[0]), read(texts[1])
    if not judge(None, old, rules).ok:
        event("the first version is not publishable")
        return
    whole = judge(old.zone, new, rules)
    with tempfile.TemporaryDirectory() as directory:
        prepare(Path(directory))
        writer = ZonesWriter(Path(directory))
        with writer.transaction(0.0) as transaction:
            transaction.replace(Zone(ORIGIN, old.zone.rrsets))
        with writer.snapshot() as snapshot:
            judged = judge_change(
                texts[0].encode(),
                texts[1].encode(),
                path=PATH,
                origin=ORIGIN,
                policy=rules,
                snapshot=snapshot,
            )
        writer.close()
    event(f"alone: {judged is not None}, whole: {whole.ok}")
    if judged is not None:
        assert whole.ok, whole.findings
        assert judged.verdict.changeset == whole.changeset
    elif not policy:
        assert not whole.ok, "an ordinary change is read as a whole"
