"""One battery of queries: asked of every server, compared, and each difference explained or not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from comparison import Case, read, said
from exchange import ask_tcp, ask_udp
from facts import Facts
from fleet import Fleet
from queries import Query
from rules import explanation, without_habits
from wire import BadReplyError, Reply, read_reply


@dataclass
class Outcome:
    """How often each choice explained a difference, and what nothing explains."""

    asked: int = 0
    explained: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __iadd__(self, other: Outcome) -> Outcome:
        self.asked += other.asked
        self.explained += other.explained
        self.wrong += other.wrong
        return self


def run(fleet: Fleet, facts: Facts, asked: list[Query]) -> Outcome:
    """Ask everybody everything. Where any server says TC over UDP, all are asked over TCP too,
    as a client would, and what they say there is compared."""
    found = Outcome(len(asked))
    serving = fleet.serving(list(facts.texts))
    ports = {"zonecast": fleet.agent.port, **{name: fleet.ports[name] for name in serving}}
    datagrams = {name: _udp(port, asked) for name, port in ports.items()}
    streams = {"zonecast": ask_tcp(ports["zonecast"], [query.packet for query in asked])}
    cut = [
        number
        for number, query in enumerate(asked)
        if query.tcp or any(_is_cut(replies[number]) for replies in datagrams.values())
    ]
    for name in serving:
        replies = ask_tcp(ports[name], [asked[number].packet for number in cut])
        streams[name] = [None] * len(asked)
        for number, reply in zip(cut, replies, strict=True):
            streams[name][number] = reply
    by_stream = set(cut)
    for number, query in enumerate(asked):
        source = streams if number in by_stream else datagrams
        try:
            whole, ours = (_strict(each["zonecast"][number]) for each in (streams, source))
            if not query.tcp:
                found.wrong += _transport(
                    query, _strict(datagrams["zonecast"][number]), whole, facts
                )
        except BadReplyError as error:
            found.wrong.append(f"{query}: no reply that can be read: {error}")
            continue
        others = {
            name: without_habits(name, query, said(read(source[name][number]))) for name in serving
        }
        _judge(found, Case(query, said(ours), others, ours, facts))
    return found


def _judge(found: Outcome, case: Case) -> None:
    if case.reply is not None and case.query.qclass == 1:
        found.wrong += [f"{case.query}: {fault}" for fault in case.facts.faults(case.reply)]
    if case.differing:
        choice = explanation(case)
        if choice is None:
            found.wrong.append(case.text())
        else:
            found.explained[choice] += 1


def _transport(query: Query, reply: Reply | None, whole: Reply | None, facts: Facts) -> list[str]:
    """What is wrong with a reply over UDP, given the one over TCP."""
    if reply is None or whole is None:
        return [f"{query}: silence"]
    if len(reply.octets) > query.limit:
        return [f"{query}: {len(reply.octets)} octets over UDP"]
    if query.qtype in (251, 252):
        return []
    needed = facts.needed(whole)
    if reply.tc:
        return [f"{query}: TC, and {needed} octets fit"] if needed <= query.limit else []
    if said(reply) != said(whole):
        return [f"{query}: UDP and TCP differ"]
    return []


def _udp(port: int, asked: list[Query]) -> list[bytes | None]:
    """A reply over UDP to each query that is to be asked over UDP."""
    replies = iter(ask_udp(port, [query.packet for query in asked if not query.tcp]))
    return [None if query.tcp else next(replies) for query in asked]


def _is_cut(reply: bytes | None) -> bool:
    return reply is not None and bool(reply[2] & 0x02)


def _strict(octets: bytes | None) -> Reply | None:
    return None if octets is None else read_reply(octets)
