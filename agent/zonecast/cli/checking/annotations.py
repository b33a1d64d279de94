"""Findings in the forms that code review tools read: GitHub's workflow commands and SARIF 2.1.0."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from zonecast.zone.catalogue import CATALOGUE
from zonecast.zone.findings import Finding

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def github_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """One workflow command a finding: an annotation at its line of the pull request."""
    for item in findings:
        place = {"file": item.position.path, "line": item.position.line}
        place |= {"col": item.position.column, "title": item.id}
        properties = ",".join(
            f"{key}={_property(str(value))}" for key, value in place.items() if value
        )
        yield f"::{item.level} {properties}::{_data(_said(item))}"


def _said(item: Finding) -> str:
    return f"{item.message}; {item.remedy}" if item.remedy else item.message


def _data(text: str) -> str:
    # Nothing of a message may end the command or be taken out of it on the way.
    escaped = text.replace("%", "%25")
    if escaped.isprintable():
        return escaped
    return "".join(char if char.isprintable() else quote(_octets(char)) for char in escaped)


def _octets(text: str) -> bytes:
    # Those of a path that are no UTF-8 too.
    return text.encode("utf-8", "surrogateescape")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def sarif(findings: Sequence[Finding]) -> str:
    """A SARIF log of one run, with the rules that it names."""
    kinds = sorted({item.id for item in findings})
    rules = []
    for kind in kinds:
        rule: dict[str, object] = {"id": kind}
        if CATALOGUE[kind].rfc:
            rule["shortDescription"] = {"text": f"{kind} ({CATALOGUE[kind].rfc})"}
        rules.append(rule)
    driver = {"name": "zonecast", "rules": rules}
    results = [_result(item, kinds.index(item.id)) for item in findings]
    log = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "utf16CodeUnits", "results": results}],
    }
    return json.dumps(log, indent=2)


def _result(item: Finding, rule: int) -> dict[str, object]:
    place: dict[str, object] = {"artifactLocation": {"uri": quote(_octets(item.position.path))}}
    if item.position.line:
        place["region"] = {
            "startLine": item.position.line,
            "startColumn": max(item.position.column, 1),
        }
    return {
        "ruleId": item.id,
        "ruleIndex": rule,
        "level": item.level,
        "message": {"text": _said(item)},
        "locations": [{"physicalLocation": place}],
    }
