"""Names that a wildcard does not reach though it looks as if it did (RFC 4592 §2.2)."""

from __future__ import annotations

from collections import defaultdict

from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.checks.facts import Facts, Findings
from zonecast.zone.names import parent_node
from zonecast.zone.rrset import node_of

_ELSEWHERE = frozenset((rd.NS, rd.CNAME, rd.DNAME))


def inside(facts: Facts) -> Findings:
    """An asterisk that has labels before it is no wildcard (RFC 4592 §2.1.1)."""
    for key in facts.survey.starred:
        rrset = facts.subject[key]
        if b"*" in names.labels(rrset.owner)[1:]:
            owner = facts.owner_text(rrset)
            message = f"{owner} has an asterisk inside, which matches nothing but itself"
            yield facts.finding("wildcard-inside", message, "put the asterisk first", key)


def shadowed(facts: Facts) -> Findings:
    """A name that exists, so that the wildcard beside it does not answer, with none of its types:
    often one that exists only for what is below it."""
    nodes: dict[bytes, list[int]] = defaultdict(list)
    for key, rrset in facts.zone.rrsets.items():
        nodes[node_of(key)].append(rrset.rtype)
    wildcards = {
        parent_node(node): types for node, types in nodes.items() if node.endswith(b"*\x00")
    }
    if not wildcards:
        return
    said: set[bytes] = set()
    for key, rrset in facts.zone.rrsets.items():
        node = node_of(key)
        while node and node not in said:
            parent = parent_node(node)
            types = wildcards.get(parent)
            own = set(nodes.get(node, ()))
            label = node[len(parent) :]
            if types and label[:1] not in (b"*", b"_") and not own & ({*types} | _ELSEWHERE):
                said.add(node)
                name = names.owner_text(names.owner_of_node(node), facts.origin)
                message = f"{name} exists, and the wildcard beside it does not answer for it"
                shown = ", ".join(map(rd.type_to_text, sorted(types)))
                yield facts.finding(
                    "wildcard-shadowed", message, f"give it its own {shown}", key, rrset.rdatas[0]
                )
            said.add(node)
            node = parent
