"""Mail policies in TXT records: SPF (RFC 7208), DMARC (RFC 7489) and DKIM keys (RFC 6376)."""

from __future__ import annotations

import re
from base64 import b64decode
from ipaddress import ip_network

from zonecast.zone import rdata as rd
from zonecast.zone.checks.facts import Facts, Findings
from zonecast.zone.checks.senders import lookups
from zonecast.zone.rrset import RRset, node_of

_SPF_MECHANISM = re.compile(
    r"[-+~?]?(?:(all)|(include|exists):(\S+)|(a|mx|ptr)(?::([^/\s]+))?((?:/\d+)?(?://\d+)?)"
    r"|(ip4|ip6):(\S+))",
    re.IGNORECASE,
)
_SPF_MODIFIER = re.compile(r"([a-z][a-z0-9_.-]*)=(\S*)", re.IGNORECASE)
_SPF_LIMIT = 10
_SPF = 99  # the type
_TAG = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)\s*=\s*(.*?)\s*", re.DOTALL)


def strings(rdata: bytes) -> str:
    """A TXT record's character-strings as one text (RFC 7208 §3.3, RFC 6376 §3.6.2.2)."""
    parts = []
    position = 0
    while position < len(rdata):
        end = position + 1 + rdata[position]
        parts.append(rdata[position + 1 : end])
        position = end
    return b"".join(parts).decode("latin-1")


def spf(facts: Facts) -> Findings:
    """One SPF record a name, with terms that a receiver knows and at most 10 look-ups."""
    texts = {rdata: strings(rdata) for rdata in facts.distinct(rd.TXT) if rdata[1:2] in b"vV"}
    senders = {rdata: text for rdata, text in texts.items() if _is_spf(text)}
    # What one record is guilty of, its owner not yet known: that can only make it look up less.
    wrong = {
        rdata
        for rdata, text in senders.items()
        if _spf_problem(text) or _spf_lookups(facts, text, b"") > _SPF_LIMIT
    }
    for key, rrset in facts.of_type(rd.TXT):
        rdatas = rrset.rdatas
        if len(rdatas) == 1 and rdatas[0] not in wrong:
            continue  # as nearly everywhere
        found = [(rdata, senders[rdata]) for rdata in rdatas if rdata in senders]
        suspicious = len(found) > 1 or (found and found[0][0] in wrong)
        if suspicious and facts.cut_at_or_above(node_of(key)) is None:
            yield from _spf(facts, key, rrset, found)


def _spf(facts: Facts, key: bytes, rrset: RRset, found: list[tuple[bytes, str]]) -> Findings:
    """What is wrong with the SPF records of a name, (rdata, text) each."""
    owner = facts.owner_text(rrset)
    if len(found) > 1:
        message = f"{owner} has {len(found)} SPF records, which counts as an error"
        yield facts.finding("spf-multiple", message, "put them into one", key, found[1][0])
    for rdata, text in found:
        wrong = _spf_problem(text)
        if wrong:
            message = f"the SPF record of {owner} has {wrong}"
            yield facts.finding("spf-syntax", message, "mend the term", key, rdata)
    if len(found) == 1:
        count = _spf_lookups(facts, found[0][1], (rrset.owner + facts.origin).lower())
        if count > _SPF_LIMIT:
            message = f"the SPF record of {owner} takes {count} look-ups, {_SPF_LIMIT} at most"
            remedy = "put ip4: and ip6: in place of names, or leave some out"
            yield facts.finding("spf-lookups", message, remedy, key, found[0][0])


def spf_type(facts: Facts) -> Findings:
    """The type SPF is no longer asked for (RFC 7208 §3.1): the record belongs in a TXT."""
    for key, rrset in facts.of_type(_SPF):
        beside = facts.rrset(node_of(key), rd.TXT)
        if beside is None or not any(_is_spf(strings(rdata)) for rdata in beside.rdatas):
            message = f"{facts.owner_text(rrset)} has an SPF record of type SPF alone"
            yield facts.finding("spf-type", message, "put the same into a TXT record", key)


def _texts_below(facts: Facts, label: bytes) -> list[tuple[bytes, RRset]]:
    """The TXT RRsets of names with a label, in lower case, that the zone answers for."""
    return [
        (key, facts.subject[key])
        for key in facts.survey.underscored
        if label in key
        and facts.subject[key].rtype == rd.TXT
        and facts.cut_at_or_above(node_of(key)) is None
    ]


def _is_spf(text: str) -> bool:
    return text[:6].lower() == "v=spf1" and text[6:7] in ("", " ")


def _spf_problem(text: str) -> str | None:
    """What is wrong with an SPF record, for "the record has …" (RFC 7208 §4.6.1)."""
    seen: set[str] = set()
    for term in text.split(" ")[1:]:
        mechanism = _SPF_MECHANISM.fullmatch(term)
        if mechanism is not None:
            family, network = mechanism[7], mechanism[8]
            if family and not _is_network(network, int(family[2])):
                return f"'{network}', which is no IPv{family[2]} address or network"
            continue
        modifier = _SPF_MODIFIER.fullmatch(term)
        if term and modifier is None:
            return f"the term '{term}', which is no mechanism"
        if modifier is not None and modifier[1].lower() in ("redirect", "exp"):
            name = modifier[1].lower()
            if name in seen or not modifier[2]:
                return f"{name}= twice" if name in seen else f"{name}= without a name"
            seen.add(name)
    return None


def _is_network(text: str, version: int) -> bool:
    try:
        return ip_network(text, strict=False).version == version
    except ValueError:
        return False


def _spf_lookups(facts: Facts, text: str, owner: bytes) -> int:
    """How many look-ups a record takes as far as this zone can say (RFC 7208 §4.6.4); includes
    of other zones count as one."""

    def record(name: bytes) -> str | None:
        node = facts.node_inside(name)
        rrset = None if node is None else facts.rrset(node, rd.TXT)
        found = [] if rrset is None else list(filter(_is_spf, map(strings, rrset.rdatas)))
        return found[0] if len(found) == 1 else None

    return lookups(owner, text, record)


def dmarc(facts: Facts) -> Findings:
    """A record at _dmarc says a policy, once (RFC 7489 §6.3)."""
    for key, rrset in _texts_below(facts, b"_dmarc"):
        if rrset.owner[:7].lower() != b"\x06_dmarc":
            continue
        for number, rdata in enumerate(rrset.rdatas):
            wrong = _dmarc_problem(strings(rdata))
            if number and not wrong:
                wrong = "a second record, which makes receivers ignore both"
            if wrong:
                message = f"{facts.owner_text(rrset)} has {wrong}"
                remedy = 'such as "v=DMARC1; p=none"'
                yield facts.finding("dmarc-syntax", message, remedy, key, rdata)


def _dmarc_problem(text: str) -> str | None:
    tags = _tags(text)
    if tags is None:
        return "a DMARC record that is no list of tag=value"
    if not tags or tags[0] != ("v", "DMARC1"):
        return "a record that does not start with v=DMARC1"
    values = dict(tags)
    allowed = {"p": "none quarantine reject", "sp": "none quarantine reject"}
    allowed |= {"adkim": "r s", "aspf": "r s"}
    if "p" not in values and "rua" not in values:
        return "no p="
    for tag, words in allowed.items():
        if tag in values and values[tag].lower() not in words.split():
            return f"{tag}={values[tag]}, which is none of {words.replace(' ', ', ')}"
    if not values.get("pct", "0").isdigit() or int(values.get("pct", "0")) > 100:
        return f"pct={values['pct']}, which is no percentage"
    for tag in ("rua", "ruf"):
        for address in filter(None, values.get(tag, "").split(",")):
            if ":" not in address:
                return f"{tag}={address.strip()}, which is no URI (mailto:…)"
    return None


def dkim(facts: Facts) -> Findings:
    """A record below _domainkey holds a key (RFC 6376 §3.6.1)."""
    for key, rrset in _texts_below(facts, b"_domainkey"):
        if b"\x0a_domainkey" not in rrset.owner[1:].lower():
            continue
        for rdata in rrset.rdatas:
            wrong = _dkim_problem(strings(rdata))
            if wrong:
                message = f"the DKIM key {facts.owner_text(rrset)} has {wrong}"
                yield facts.finding("dkim-syntax", message, "put the key in again", key, rdata)


def _dkim_problem(text: str) -> str | None:
    tags = _tags(text)
    if tags is None:
        return "text that is no list of tag=value"
    values = dict(tags)
    if "v" in values and tags[0] != ("v", "DKIM1"):
        return f"v={values['v']}: v=DKIM1 comes first, if at all"
    if "p" not in values:
        return "no p="
    if values.get("k", "rsa").lower() not in ("rsa", "ed25519"):
        return f"k={values['k']}, which is neither rsa nor ed25519"
    try:
        octets = b64decode("".join(values["p"].split()), validate=True)
    except ValueError:
        return "a p= that is not base64"
    if octets and values.get("k", "rsa").lower() == "ed25519" and len(octets) != 32:
        return f"an Ed25519 key of {len(octets)} octets, not 32"
    return None


def _tags(text: str) -> list[tuple[str, str]] | None:
    """A list of tag=value (RFC 6376 §3.2); None where it is none."""
    found = []
    parts = text.split(";")
    for part in parts[:-1] if not parts[-1].strip() else parts:
        match = _TAG.fullmatch(part)
        if match is None:
            return None
        found.append((match[1], match[2]))
    return None if len({tag for tag, _ in found}) < len(found) else found
