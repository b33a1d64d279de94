"""CAA: who may certify (RFC 8659)."""

from __future__ import annotations

import re

from zonecast.zone import rdata as rd
from zonecast.zone.checks.facts import Facts, Findings

_ISSUER = re.compile(
    r"[ \t]*((?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)?"
    r"[ \t]*(?:;[ \t]*(?:[A-Za-z0-9-]+[ \t]*=[ \t]*[\x21-\x3a\x3c-\x7e]*[ \t]*;?[ \t]*)*)?"
)
_URI = re.compile(r"(?:mailto:[^\s@]+@[^\s@]+|https?://\S+)", re.IGNORECASE)


def caa(facts: Facts) -> Findings:
    """CAA values that an authority can read; one it cannot may forbid every certificate."""
    problems = {rdata: _caa_problem(rdata) for rdata in facts.distinct(rd.CAA)}
    wrong = {rdata: problem for rdata, problem in problems.items() if problem}
    for key, rrset, rdata, _ in facts.records(rd.CAA, wrong):
        message = f"the CAA record of {facts.owner_text(rrset)} has {wrong[rdata]}"
        yield facts.finding("caa-syntax", message, "mend it", key, rdata)


def _caa_problem(rdata: bytes) -> str | None:
    flags, size = rdata[0], rdata[1]
    tag = rdata[2 : 2 + size].decode("latin-1").lower()
    value = rdata[2 + size :].decode("latin-1")
    if flags not in (0, 128):
        return f"the flags {flags}, neither 0 nor 128 (critical)"
    if tag in ("issue", "issuewild", "issuemail") and not _ISSUER.fullmatch(value):
        return f"an {tag} value '{value}' that is no domain name with parameters"
    if tag == "iodef" and not _URI.fullmatch(value):
        return f"an iodef value '{value}' that is no mailto: or http(s): URI"
    known = ("issue", "issuewild", "issuemail", "issuevmc", "iodef")
    if tag not in (*known, "contactemail", "contactphone"):
        return f"the tag '{tag}', which no authority knows"
    return None
