"""What BIND, NSD and Knot agree on, recorded by others: RCODE, AA, answers, referrals, negatives.

Each file is one server with all its zones. What does not agree is listed by id, with its reason
in docs/rfc-compliance.md, and has to go on not agreeing.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest
from loading import query, zone_from_text

from zonecast.protocol.answer_exact import exact_match
from zonecast.protocol.answer_query import answer_query
from zonecast.protocol.message import read_query
from zonecast.protocol.view import DictView

# Recorded with the negative SOA's TTL 0, which BIND gives to who asks for a SOA.
EXCEPTIONS = {"knot-basic-query-0", "knot-basic-query-66"}

CASES = {
    "ferret-sample": 631,
    "unsigned": 100,
    "basic-query": 62,
    "basic-flags": 15,
    "basic-additionals": 6,
}


@pytest.mark.parametrize("corpus", CASES)
def test_recorded_cases(shared_data: Path, corpus: str) -> None:
    """Pitfall: negative TTLs, empty non-terminals, wildcards that match nothing below a name, and
    referrals, as other servers answered them."""
    cases = [
        json.loads(line)
        for line in (shared_data / "answers" / f"{corpus}.jsonl").read_text().splitlines()
    ]
    view = DictView(load(shared_data, cases))
    wrong = {}
    asked = 0
    for case in cases:
        for question in case["queries"]:
            asked += 1
            explanation = compare(view, question)
            if (explanation is not None) != (case["id"] in EXCEPTIONS):
                wrong[case["id"]] = explanation or "agrees, and is listed as an exception"
    assert not wrong, "\n".join(f"{case}: {text}" for case, text in wrong.items())
    assert asked == CASES[corpus]


def load(shared_data: Path, cases: list[dict[str, Any]]) -> list[Any]:
    files = {zone["origin"]: zone["file"] for case in cases for zone in case["zones"]}
    return [
        zone_from_text((shared_data / file).read_text(), origin) for origin, file in files.items()
    ]


def compare(view: DictView, question: dict[str, Any]) -> str | None:
    """None where our answer is the expected one or an alternative, else what we said."""
    dnssec = "dnssec" in question["flags"]
    packet = query(
        question["qname"],
        question["qtype"].upper(),
        edns=4096 if dnssec else None,
        dnssec=dnssec,
    )
    expected = [question["expect"], *question.get("alternatives", [])]
    datagram = "tcp" not in question["flags"]
    reply = ask(view, packet, datagram)
    if expected[0].get("udp_tc") and reply.flags & dns.flags.TC:
        # The recorded servers add the zone's NS RRset, and so truncate before we do.
        reply = ask(view, packet, datagram=False)
    return None if any(agrees(reply, one) for one in expected) else reply.to_text()


def ask(view: DictView, packet: bytes, datagram: bool) -> dns.message.Message:
    slow = dns.message.from_wire(answer_query(packet, read_query(packet), view, datagram))
    fast = exact_match(packet, view, datagram)
    if fast is not None:
        message = dns.message.from_wire(fast)
        assert message == slow
        assert message.flags == slow.flags
    return slow


def agrees(reply: dns.message.Message, expected: dict[str, Any]) -> bool:
    authority = expected["authority"]
    compared = not expected["answer"] or any(" SOA " in record for record in authority)
    return (
        dns.rcode.to_text(reply.rcode()) == expected["rcode"]
        and bool(reply.flags & dns.flags.AA) == ("AA" in expected["flags"])
        and records(reply.answer) == canonical(expected["answer"])
        and (not compared or records(reply.authority) == canonical(authority))
    )


def records(section: list[Any]) -> list[str]:
    return canonical(
        f"{rrset.name} {rrset.ttl} {dns.rdatatype.to_text(rrset.rdtype)} {rdata}"
        for rrset in section
        for rdata in rrset
    )


def canonical(lines: Any) -> list[str]:
    """Lines that compare, as far as they were recorded: of a signature what it is over and by whom,
    of an NSEC the types in any order."""
    found = []
    for line in lines:
        owner, ttl, rtype, *rdata = line.lower().split()
        if rtype == "rrsig":
            rdata = rdata[:4] + (rdata[7:8] or rdata[4:])
        elif rtype == "nsec":
            rdata = rdata[:1] + sorted(rdata[1:])
        found.append(" ".join((owner, ttl, rtype, *rdata)))
    return sorted(found)


@pytest.mark.parametrize("case", sorted(EXCEPTIONS))
def test_exceptions_are_none_but_for_that_ttl(shared_data: Path, case: str) -> None:
    lines = (shared_data / "answers" / "basic-query.jsonl").read_text().splitlines()
    cases = [json.loads(line) for line in lines]
    view = DictView(load(shared_data, cases))
    [question] = next(one for one in cases if one["id"] == case)["queries"]
    authority = question["expect"]["authority"]
    assert [line for line in authority if line.startswith(". 0 ")]
    question["expect"]["authority"] = [
        line.replace(". 0 ", ". 86400 ", 1) if line.startswith(". 0 ") else line
        for line in authority
    ]
    assert compare(view, question) is None
