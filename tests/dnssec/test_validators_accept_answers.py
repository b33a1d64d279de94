"""What we answer from signed zones holds before validators that are given the zone's key alone."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

import dns.rdatatype
import pytest
from others import Served
from peers import require
from signing import MANY_ITERATIONS, NAMES, SIGNERS, Signed
from validator import Validator

# Names whose answers end in this zone, for any type. Of delegations only the DS is the zone's.
LEADING_AWAY = {"away", "to-cut", "to-secure", "a.wcaway"}
DELEGATED = ("secure", "insecure", "only.optout.ents", "signed.some.ents")

# With NSEC, Unbound does not see that the wildcard of these holds nothing; delv does.
MISJUDGED = {"a.wd", "b.a.wd"}


@pytest.mark.parametrize("signer", SIGNERS)
def test_unbound(served: Served, signer: str) -> None:
    """Nothing is bogus. Everything is secure, but for what an opt-out proof leaves open."""
    signed = served.zones[signer]
    anchors = [f"{signed.origin} IN DNSKEY {key}" for key in signed.anchors]
    validator = Validator(anchors, {signed.origin.removesuffix("."): served.ours["secondary"]})
    wrong = []
    counts: Counter[str] = Counter()
    for name in NAMES:
        cut = next((cut for cut in DELEGATED if f".{name}".endswith(f".{cut}")), None)
        if name in LEADING_AWAY or (cut is not None and cut != name):
            continue
        if name in MISJUDGED and signer.endswith("-nsec"):
            continue
        types = ["DS"] if cut else ["A", "TXT"] if name == "@" else ["A", "TXT", "DS"]
        for qtype in types:
            qname = absolute(name, signed)
            verdict = validator.judge(qname, dns.rdatatype.from_text(qtype))
            counts[verdict.security] += 1
            if verdict.security not in ("secure", "insecure" if "optout" in signer else ""):
                wrong.append(f"{qname} {qtype}: {verdict}")
    validator.close()
    assert not wrong, "\n".join(wrong)
    assert counts["secure"] > 50


def test_many_iterations_are_insecure_and_not_bogus(served: Served) -> None:
    """RFC 9276 §3.2: what is not proved any more is said all the same."""
    signed = served.zones[MANY_ITERATIONS]
    anchors = [f"{signed.origin} IN DNSKEY {key}" for key in signed.anchors]
    validator = Validator(anchors, {signed.origin.removesuffix("."): served.ours["primary"]})
    verdicts = {
        (name, qtype): validator.judge(absolute(name, signed), dns.rdatatype.from_text(qtype))
        for name in ("www", "none", "b.ent", "a.w", "insecure")
        for qtype in ("A", "AAAA", "DS")
        if (name, qtype) not in (("insecure", "A"), ("insecure", "AAAA"))
    }
    validator.close()
    assert verdicts.pop(("www", "A")).security == "secure"
    assert verdicts.pop(("www", "AAAA")).security == "secure"
    assert {verdict.security for verdict in verdicts.values()} == {"insecure"}


# One name for every kind of answer.
POSITIVE, NEGATIVE, UNSIGNED = (
    "fully validated", "negative response, fully validated", "unsigned answer",
)  # fmt: skip
CASES = {
    ("www", "TXT"): NEGATIVE,
    ("x.y.none", "A"): NEGATIVE,
    ("b.ent", "A"): NEGATIVE,
    ("b.a.wd", "A"): NEGATIVE,
    ("a.wcw", "A"): POSITIVE,
    ("insecure", "DS"): NEGATIVE,
    ("x.dn", "A"): POSITIVE,
}


@pytest.mark.parametrize("signer", SIGNERS)
def test_delv(served: Served, signer: str, tmp_path: Path) -> None:
    signed = served.zones[signer]
    keys = "".join(
        f'{signed.origin} static-key {" ".join(fields[:3])} "{"".join(fields[3:])}";\n'
        for fields in (key.split() for key in signed.anchors)
    )
    anchors = tmp_path / "anchors"
    anchors.write_text(f"trust-anchors {{\n{keys}}};\n")
    running = {
        case: subprocess.Popen(
            [require("delv"), "@127.0.0.1", "-p", str(served.ours["primary"]), "-a", str(anchors),
             f"+root={signed.origin}", absolute(case[0], signed), case[1]],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for case in CASES
    }  # fmt: skip
    said = {case: process.communicate(timeout=60)[0] for case, process in running.items()}
    wrong = {
        case: text for case, text in said.items() if f"; {expected(case, signer)}\n" not in text
    }
    assert not wrong, "\n".join(f"{case}: {text}" for case, text in wrong.items())


def expected(case: tuple[str, str], signer: str) -> str:
    """What delv says at last. An opt-out NSEC3 leaves open whether a name is delegated to an
    unsigned zone, so a wildcard that answers for it is not proved (RFC 5155 §9.2)."""
    found = CASES[case]
    return UNSIGNED if "optout" in signer and case[0] in ("a.wcw", "x.dn") else found


def absolute(name: str, signed: Signed) -> str:
    return signed.origin if name == "@" else f"{name}.{signed.origin}"
