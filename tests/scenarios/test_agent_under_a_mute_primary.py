"""An agent whose primary says nothing to an IXFR: it asks for the whole zone next, and `status` says why."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agents import Agent
from primary import primary
from streams import Stream, good, is_axfr, script

from zonecast.protocol.sections import read_question

ZONE = "mute.test."


def test_silence_to_an_ixfr_is_followed_by_an_axfr(new_agent: Callable[[str], Agent]) -> None:
    """Pitfall: a primary that hangs at an IXFR has the whole zone all the same."""
    latest = ["S5 OLD"]

    def stream(query: bytes) -> Iterator[bytes | str]:
        if is_axfr(query):
            return good(latest[-1], query)
        return script(Stream("mute", "", ["silence"]), query)

    def datagram(query: bytes) -> bytes:
        [reply] = script(Stream("", "", [latest[-1].split()[0]]), query)
        assert isinstance(reply, bytes)
        return reply

    agent = new_agent("secondary")
    with primary(stream, datagram) as made:
        lines = ["[[primary]]", 'name = "p"', f'address = "127.0.0.1:{made.port}"']
        lines += ['max-time = "1s"', "[[zone]]", f'name = "{ZONE}"', 'primaries = ["p"]']
        agent.configure(*lines).start()
        agent.await_serial(ZONE, 5)
        for serial in (6, 7):  # what it was asked for the last time is forgotten once it answered
            latest.append(f"S{serial} NEW")
            made.forget()
            agent.ask("refresh", zone=ZONE)
            agent.status_when(
                lambda report: "no message" in (report["zones"][0]["refresh"]["trouble"] or ""),
                "trouble",
            )
            agent.ask("refresh", zone=ZONE)
            agent.await_serial(ZONE, serial)
            kinds = [is_axfr(query) for query in made.queries if read_question(query).qtype != 6]
            assert kinds == [False, True]
            [zone] = agent.status_when(
                lambda report: not report["zones"][0]["refresh"]["trouble"], "no trouble"
            )["zones"]
            last = zone["refresh"]["last-transfer"]
            assert (last["how"], last["primary"]) == ("axfr", "p")
            assert "no message within 30 seconds, or no end within 1" in last["no-ixfr"]
