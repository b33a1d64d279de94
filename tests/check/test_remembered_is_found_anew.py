"""What the cache gives back is what looking again finds, over any history of a repository."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from check_support import TOP
from hypothesis import given, settings
from hypothesis import strategies as st

from zonecast.cli.check import judge_across, judge_all
from zonecast.cli.checking.cache import Cache
from zonecast.cli.checking.record import decode_facts, decode_outcome, encode_facts, encode_outcome
from zonecast.cli.checking.zones import Before, Zones
from zonecast.cli.revisions import NO_FILES, Files, blob_id
from zonecast.zone.checks.expiry import expired
from zonecast.zone.collection import read_collection
from zonecast.zone.findings import Finding
from zonecast.zone.policy import Policy

POLICIES = (
    "",
    '[checks]\npointer-missing = "warning"\n',
    '[zone."a.example"]\nchecks.dangling-target = "error"\n',
)
LINES = (
    "www CNAME gone.b.example.", "@ MX 10 www.b.example.", "www A 192.0.2.7", "b NS ns.a.example.",
    "$INCLUDE more", "www A 192.0.2", "x MX 10 y ; zonecast: ignore=mx-no-address", "x MX 10 y",
    '@ TXT "v=spf1 include:b.example mx mx mx mx mx -all"', "7 PTR www.a.example.", "* TXT \\200",
    "www 60 RRSIG A 8 3 60 20200101000000 20190101000000 1 a.example. AAAA",
)  # fmt: skip
NAMES = (
    "a.example.zone",
    "b.example.zone",
    "2.0.192.in-addr.arpa.zone",
    "b.a.example.zone",
    "db.b.example",
)
bodies = st.lists(st.sampled_from(LINES), max_size=4).map("\n".join)
versions = st.fixed_dictionaries(
    {
        "files": st.dictionaries(st.sampled_from(NAMES), bodies, min_size=1),
        "more": st.none() | bodies.filter(lambda body: "INCLUDE" not in body),
        "policy": st.sampled_from(POLICIES),
        "serial": st.integers(1, 3),
    }
)


def files_of(version: Mapping[str, object]) -> Files:
    """A revision, as git would give it."""
    zones: dict[str, str] = version["files"]  # type: ignore[assignment]
    top = TOP.replace("2026112101", str(version["serial"]))
    contents = {path: f"{top}{body}\n".encode() for path, body in zones.items()}
    contents["zonecast.toml"] = str(version["policy"]).encode()
    if version["more"] is not None:
        contents["more"] = f"{version['more']}\n".encode()
    blobs = {path: blob_id(content, "sha1") for path, content in contents.items()}
    return Files(contents, lambda paths: {path: contents[path] for path in paths}, blobs.get)


def found(new: Files, old: Files, cache: Cache) -> list[Finding]:
    policy = new.policy()
    zones = Zones(new, policy, cache)
    outcomes = judge_all(zones, Before(old, new, policy), "json")
    findings = [item for outcome in outcomes.values() for item in outcome.findings]
    for origin, outcome in outcomes.items():
        findings += expired(outcome.signed, origin, policy.zone(origin), 1_700_000_000)
    return findings + judge_across(zones, outcomes, cache)


@settings(max_examples=25, deadline=None)
@given(st.lists(versions, min_size=2, max_size=6))
def test_any_history(history: list[Mapping[str, object]]) -> None:
    with TemporaryDirectory() as directory:
        old = NO_FILES
        for version in [*history, *history]:
            new = files_of(version)
            cache = Cache(Path(directory), 1_700_000_000)
            with_cache = found(new, old, cache)
            cache.close()
            assert with_cache == found(files_of(version), old, Cache(None, 0))
            old = new


def test_real_zones_survive_being_kept(shared_data: Path) -> None:
    """Facts and outcomes of real zones are the same after they were written down."""
    policy = Policy.from_toml(b'[checks]\npointer-missing = "warning"\n', "zonecast.toml")
    paths = [path for path in (shared_data / "zones").rglob("*") if path.is_file()]
    small = {path.name: path.read_bytes() for path in paths if path.stat().st_size < 1 << 18}
    named = {name: f"{number}.example" for number, name in enumerate(small)}
    origins = "".join(f'"{name}" = "{origin}"\n' for name, origin in named.items())
    policy = Policy.from_toml(
        f'[checks]\npointer-missing = "warning"\n[origins]\n{origins}'.encode(), "zonecast.toml"
    )
    collection = read_collection(small, small.__getitem__, policy)
    files = Files(small, lambda paths: {path: small[path] for path in paths})
    zones = Zones(files, policy, Cache(None, 0))
    assert len(collection.zones) > 3
    for parsed in collection.zones.values():
        outcome = zones.judge(parsed, None)
        facts = zones.add(parsed)
        assert decode_outcome(encode_outcome(outcome)) == outcome
        assert decode_facts(encode_facts(outcome.sources, facts)) == (outcome.sources, facts)
