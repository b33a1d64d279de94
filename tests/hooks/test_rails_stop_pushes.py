"""The safety rails where people push: refused, and let through by the trailer that is named."""

from __future__ import annotations

import re
import shlex

import pytest
from zones_clone import ENFORCE, NAME, OTHER, Clone, run, server_tip, zone

HOSTS = [f"h{number} A 192.0.2.{number}" for number in range(20)]

# The rail → what is done to a zone of 24 records.
SLIPS = {
    "mass-delete": zone(12, *HOSTS[:10]),
    "mass-update": zone(12, *HOSTS).replace("$TTL 3600", "$TTL 60"),
    "apex-ns-change": zone(12, *HOSTS).replace("@ IN NS ns1", "@ IN NS ns1.example.org."),
    "zone-removed": None,
}


def full(clone: Clone) -> str:
    """Push the zone with all its hosts; the commit."""
    commit = clone.commit_unchecked({NAME: zone(11, *HOSTS)}, "hosts")
    pushed = clone.push()
    assert pushed.ok, pushed.output
    return commit


def slip(clone: Clone, kind: str) -> str:
    """Commit what the rail is there for."""
    content = SLIPS[kind]
    if content is None:
        clone.git("rm", "--quiet", NAME)
        return clone.commit_unchecked({}, "gone")
    return clone.commit_unchecked({NAME: content}, "a slip")


def follow_remedy(clone: Clone, output: str) -> None:
    """Run the first command that the remedy gives."""
    found = re.search(r"git commit --allow-empty .*?--trailer '[^']+'", output)
    assert found is not None, output
    clone.git(*shlex.split(found[0])[1:], "--no-verify", "--quiet")


@pytest.mark.parametrize("kind", SLIPS)
def test_each_rail_stops_a_push_and_its_remedy_lets_it_pass(pushing: Clone, kind: str) -> None:
    """Pitfall: mass deletion, mass change, another apex NS set and a removed zone are stopped
    unless the commit says so in a trailer."""
    before = full(pushing)
    slip(pushing, kind)
    refused = pushing.push()
    assert not refused.ok
    assert f"[{kind}]" in refused.output
    assert "push refused" in refused.output
    assert server_tip(pushing) == before
    follow_remedy(pushing, refused.output)
    pushed = pushing.push()
    assert pushed.ok, pushed.output


def test_a_trailer_of_any_pushed_commit_counts_for_its_rail_and_zone(pushing: Clone) -> None:
    start = full(pushing)
    tried = {
        "mass-update": False,
        "mass-delete example.net": False,
        "mass-delete example.com": True,
    }
    for value, passes in tried.items():
        pushing.git("reset", "--quiet", "--hard", start)
        slip(pushing, "mass-delete")
        trailer = f"zonecast-allow: {value}"
        pushing.git("commit", "--quiet", "--amend", "--no-edit", "--trailer", trailer)
        pushing.commit_unchecked({OTHER: zone(21, "www A 192.0.2.1")}, "another one on top")
        assert pushing.push().ok == passes, value


def test_a_trailer_that_was_published_is_spent(pushing: Clone) -> None:
    full(pushing)
    slip(pushing, "mass-delete")
    follow_remedy(pushing, pushing.push().output)
    assert pushing.push().ok
    pushing.commit_unchecked({NAME: zone(13)}, "once more")
    refused = pushing.push()
    assert "[mass-delete]" in refused.output


def test_a_trailer_without_a_zone_is_for_what_its_own_commit_changes(pushing: Clone) -> None:
    """Its zone's file or an included one, of the first parent where the commit is a merge; rails
    together before zones are bound to these, and what cannot be read is told."""
    included = zone(21, *HOSTS[:1]) + "$INCLUDE hosts.inc\n"
    hosts = {"zones/hosts.inc": "\n".join(HOSTS[1:]) + "\n"}
    pushing.commit_unchecked({NAME: zone(11, *HOSTS), OTHER: included} | hosts)
    assert pushing.push().ok
    start = pushing.git("rev-parse", "HEAD")
    few = {"zones/hosts.inc": "one A 192.0.2.1\n"}
    slips = {NAME: zone(12, *HOSTS[:10]), OTHER: included.replace("21 ;", "22 ;")} | few

    def pushed(*commits: tuple[set[str], str]) -> tuple[str, ...]:
        pushing.git("reset", "--quiet", "--hard", start)
        for paths, value in commits:
            files = {path: slips[path] for path in paths}
            message = f"a slip\n\nZonecast-Allow: {value}" if value else "a slip"
            if files:
                pushing.commit_unchecked(files, message)
            else:
                pushing.git("commit", "--quiet", "--allow-empty", "-m", message)
        done = pushing.push()
        stopped = re.findall(r"zones/(\S+?)\.zone: error: .*\[mass-delete\]", done.output)
        assert done.ok == (not stopped), done.output
        if "trailer-unread" in done.output:
            assert "'Zonecast-Allow: not mass-delete' allows nothing" in done.output
            stopped.append("unread")
        return tuple(stopped)

    com, net, every = "example.com", "example.net", set(slips)
    others = every - {NAME}
    assert pushed((every, "mass-delete mass-update example.net")) == (com,)
    assert pushed((every, "not mass-delete")) == (com, net, "unread")
    assert pushed((every, ""), (set(), "mass-delete")) == (com, net)
    assert pushed((others, "mass-delete"), ({NAME}, "")) == (com,)
    assert pushed(({OTHER}, "mass-delete"), (others - {OTHER}, "")) == ()
    start = pushing.git("rev-parse", "HEAD")
    assert pushed(({NAME}, "mass-delete")) == ()


def test_the_trailer_of_an_include_or_a_merge_counts_for_the_zones_behind_it(
    pushing: Clone,
) -> None:
    included = zone(21) + "$INCLUDE hosts.inc\n"
    pushing.commit_unchecked({OTHER: included, "zones/hosts.inc": "\n".join(HOSTS) + "\n"})
    full(pushing)
    pushing.commit_unchecked({OTHER: included.replace("21 ;", "22 ;")})
    message = "fewer\n\nZonecast-Allow: mass-delete"
    pushing.commit_unchecked({"zones/hosts.inc": "one A 192.0.2.1\n"}, message)
    pushed = pushing.push()
    assert pushed.ok, pushed.output
    pushing.git("checkout", "--quiet", "-b", "side")
    slip(pushing, "mass-delete")
    pushing.git("checkout", "--quiet", "main")
    pushing.git("merge", "--quiet", "--no-ff", "--no-verify", "-m", message, "side")
    pushed = pushing.push()
    assert pushed.ok, pushed.output


def test_a_push_does_not_loosen_the_rails_for_itself(pushing: Clone) -> None:
    full(pushing)
    loose = ENFORCE + "[rails]\nmax-delete = 1.0\nremoval = false\nrewrite = false\n"
    pushing.git("rm", "--quiet", OTHER)
    pushing.commit_unchecked({"zonecast.toml": loose, NAME: SLIPS["mass-delete"] or ""})
    refused = pushing.push()
    assert "[mass-delete]" in refused.output
    assert "[zone-removed]" in refused.output
    pushing.git("reset", "--quiet", "--hard", "HEAD~1")
    pushing.commit_unchecked({"zonecast.toml": loose})
    assert pushing.push().ok
    pushing.git("rm", "--quiet", OTHER)
    pushing.commit_unchecked({NAME: SLIPS["mass-delete"] or ""})
    assert pushing.push().ok
    pushing.git("reset", "--quiet", "--hard", "HEAD~1")
    pushing.commit_unchecked({NAME: zone(13, *HOSTS)})
    assert pushing.push("+main").ok, "rewritten history, by a policy that lets it"


def test_rewritten_history_takes_more_than_a_trailer(pushing: Clone) -> None:
    """Pitfall: only fast-forwards publish by default; rewritten history needs an explicit
    approval."""
    before = full(pushing)
    pushing.git("reset", "--quiet", "--hard", "HEAD~1")
    pushing.commit_unchecked({NAME: zone(12, *HOSTS)}, "x\n\nZonecast-Allow: history-rewritten")
    refused = pushing.push("+main")
    assert "[history-rewritten]" in refused.output
    assert server_tip(pushing) == before


def test_pre_push_stops_what_the_other_end_would(enforcing: Clone) -> None:
    server = enforcing.path.parent / "forge.git"
    assert run(enforcing.path, "git", "init", "--quiet", "--bare", str(server)).ok
    enforcing.git("remote", "add", "origin", str(server))
    full(enforcing)
    slip(enforcing, "mass-delete")
    refused = enforcing.push()
    assert "[mass-delete]" in refused.output
    follow_remedy(enforcing, refused.output)
    pushed = enforcing.push()
    assert pushed.ok, pushed.output


def test_pre_commit_warns_and_the_trailer_it_names_is_the_one_to_give(enforcing: Clone) -> None:
    enforcing.stage(NAME, zone(11, *HOSTS))
    assert enforcing.commit().ok
    enforcing.stage(NAME, SLIPS["mass-delete"] or "")
    enforcing.git("rm", "--quiet", OTHER)
    done = enforcing.commit()
    assert done.ok, done.output
    assert re.search(
        r"warning: 10 of 23 records are deleted, 43.5 %: .*\[mass-delete\]", done.output
    )
    assert re.search(r"warning: .*\[zone-removed\]", done.output)
    assert "git commit --trailer 'Zonecast-Allow: mass-delete example.com.'" in done.output
