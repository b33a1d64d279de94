"""Rules over a part of a zone: a local rule says of each RRset what it says of it in the whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from zone_support import ORIGIN, TOP, ids, read

from zonecast.errors import BadNameError
from zonecast.zone import names
from zonecast.zone.checks import MISSING, ON_DEMAND, PRESENT, WHOLE, run_checks, untold
from zonecast.zone.checks.facts import Facts
from zonecast.zone.contents import WholeZone
from zonecast.zone.names import owner_of_node, parent_node
from zonecast.zone.policy import Policy
from zonecast.zone.rrset import RRset, Zone, node_of, rrset_key
from zonecast.zone.zonefile import Parsed

RULES = (*PRESENT, *MISSING, *(rule for _, rule in ON_DEMAND))
LOCAL = tuple(rule for rule in RULES if rule not in WHOLE)
POLICY = Policy().zone(ORIGIN)

OWNERS = "@ www a _a a_b a-b ns sub ns.sub x.sub *.w w m.w d x.d d.x WWW example.com _dmarc dmarc"
OWNERS += " s._domainkey _sip._tcp.a *.sub"
TARGETS = "@ www a a-b ns sub ns.sub x.sub y.w w x.d gone gone.x example.com host.example.com"
TARGETS += " ns.example.net. 192.0.2.1 192.0.2.1. ns.2.0.192.in-addr.arpa. ."
DIGEST = "8 2 e2d3c916f6deeac73294e8268fb5885044a833fc5459588f4a9184cfc41a5766"
RECORDS = (
    ["A 192.0.2.1", "A 192.0.2.2", "AAAA 2001:db8::1", f"DS 1 {DIGEST}", f"CDS 1 {DIGEST}"]
    + [f"{kind} {{0}}" for kind in ("NS", "NS", "CNAME", "CNAME", "DNAME", "MX 10", "PTR")]
    + ["SRV 0 0 1 {0}", "SVCB 0 {0}", "HTTPS 1 {0}", 'TXT "v=spf1 mx include:{0} -all"']
    + ['TXT "v=spf1 bad"', 'TXT "v=DMARC1"', 'TXT "v=DKIM1; p=x"', "HINFO a b", "NSEC {0} A"]
    + ['CAA 0 iodef "bad"', 'TXT "v=spf1' + " a" * 9 + ' include:{0}"', "ZONEMD 1 1 1 " + "00" * 48]
    + [f"RRSIG {kind} 8 3 60 20300101000000 20200101000000 1 @ AAAA" for kind in ("SOA", "MX")]
)
LINES = st.builds(
    lambda owner, ttl, record, target: f"{owner} {ttl} {record.format(target)}\n",
    st.sampled_from(OWNERS.split()),
    st.sampled_from(("", "", "5", "700000")),
    st.sampled_from(RECORDS),
    st.sampled_from(TARGETS.split()),
)
ZONES = st.lists(LINES, min_size=1, max_size=14).map(lambda lines: read(TOP + "".join(lines)))


def said(parsed: Parsed, subject: dict[bytes, RRset] | None) -> list[tuple[str, list[str]]]:
    """What every rule says; one that needs the whole zone too, for `subject` may be all of it."""
    contents = None if subject is None else WholeZone(parsed.zone)
    facts = Facts(parsed, contents, subject)
    return [(rule.__name__, list(map(str, rule(facts)))) for rule in RULES]


def said_one_by_one(parsed: Parsed) -> list[str]:
    contents = WholeZone(parsed.zone)
    return sorted(
        str(item)
        for key, rrset in parsed.zone.rrsets.items()
        for rule in LOCAL
        for item in rule(Facts(parsed, contents, {key: rrset}))
    )


def assert_parts_say_what_the_whole_says(parsed: Parsed) -> None:
    whole = said(parsed, None)
    assert said(parsed, dict(parsed.zone.rrsets)) == whole
    local = {rule.__name__ for rule in LOCAL}
    assert said_one_by_one(parsed) == sorted(
        text for name, texts in whole if name in local for text in texts
    )


@settings(max_examples=150, deadline=None)
@given(ZONES)
def test_parts_of_a_zone_full_of_faults(parsed: Parsed) -> None:
    assert_parts_say_what_the_whole_says(parsed)


def test_parts_of_real_zones_and_of_test_zones(shared_data: Path) -> None:
    spoken = 0
    for path in sorted(
        [*(shared_data / "lint" / "zones").rglob("*"), *shared_data.glob("zones/*")]
    ):
        if path.is_file() and path.stat().st_size < 40_000:
            try:
                origin = names.from_text(path.name.removesuffix(".zone"), names.ROOT)
            except BadNameError:
                origin = ORIGIN
            for name in (origin, b"\x07example\x00", ORIGIN):
                parsed = read(path.read_bytes(), origin=name)
                if len(parsed.zone.rrsets) > 1:
                    assert_parts_say_what_the_whole_says(parsed)
                    spoken += sum(len(texts) for _, texts in said(parsed, None))
    assert spoken > 200


@settings(max_examples=100, deadline=None)
@given(ZONES)
def test_the_look_ups_of_a_whole_zone(parsed: Parsed) -> None:
    """Beside a reading of RFC 4592 §2.2.2 that looks at every RRset every time."""
    contents = WholeZone(parsed.zone)
    for node in nodes_around(parsed.zone):
        types = [rrset.rtype for key, rrset in parsed.zone.rrsets.items() if node_of(key) == node]
        assert contents.types_at(node) == tuple(sorted(set(types)))
        below = any(node_of(key).startswith(node) for key in parsed.zone.rrsets)
        assert contents.exists(node) == below
        assert contents.get(node + b"\x00\x00\x01") == parsed.zone.rrsets.get(
            rrset_key(owner_of_node(node), 1)
        )


def nodes_around(zone: Zone) -> Iterator[bytes]:
    for key in zone.rrsets:
        node = node_of(key)
        yield from (node, node + b"www\x00", parent_node(node))


def test_a_part_is_judged_by_local_rules_alone() -> None:
    """The caller learns beforehand whether that is enough."""
    parsed = read(TOP + "a MX 10 gone\nb_c TXT x\nb-c A 192.0.2.1\nc MX 10 gone\n")
    contents = WholeZone(parsed.zone)
    part = {key: rrset for key, rrset in parsed.zone.rrsets.items() if key[:1] in b"ab"}
    assert ids(run_checks(parsed, POLICY)) == ["mx-no-address", "name-underscore", "mx-no-address"]
    assert ids(run_checks(parsed, POLICY, contents, part)) == ["mx-no-address"]
    assert untold(contents, POLICY) == {"name-underscore"}
    assert untold(contents, POLICY, "error") == set()


def test_what_a_part_cannot_tell() -> None:
    chained = WholeZone(read(TOP + "@ NSEC ns A\n@ ZONEMD 1 1 1 " + "00" * 48 + "\n").zone)
    assert untold(chained, POLICY, "error") == {"nsec3-hash"}
    assert {"nsec-chain", "zonemd-wrong"} < untold(chained, POLICY)
    twice = WholeZone(read(TOP + "www.example.com A 192.0.2.1\n").zone)
    assert "missing-final-dot" in untold(twice, POLICY)
    strict = Policy.from_toml(b'[checks]\nname-case = "error"\n', "zonecast.toml").zone(ORIGIN)
    assert untold(WholeZone(read(TOP).zone), strict, "error") == {"name-case"}
