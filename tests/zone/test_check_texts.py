"""Mail policies in TXT records."""

from __future__ import annotations

import pytest
from zone_support import TOP, check, ids, places


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('@ TXT "v=spf1 ip4:mail -all"', "spf-syntax"),
        ('@ TXT "v=spf1 ip6:192.0.2.1 -all"', "spf-syntax"),
        ('@ TXT "v=spf1 include -all"', "spf-syntax"),
        ('@ TXT "v=spf1 mx, -all"', "spf-syntax"),
        ('@ TXT "v=spf1 redirect="', "spf-syntax"),
        ('@ TXT "v=spf1 " "a" "ll-"', "spf-syntax"),
        ('@ SPF "v=spf1 -all"', "spf-type"),
        ('_dmarc TXT "v=DMARC1"', "dmarc-syntax"),
        ('_dmarc TXT "p=none; v=DMARC1"', "dmarc-syntax"),
        ('_dmarc TXT "v=DMARC1; p=refuse"', "dmarc-syntax"),
        ('_dmarc TXT "v=DMARC1; p=none; pct=half"', "dmarc-syntax"),
        ('_dmarc.sub TXT "v=DMARC1; p=none; rua=postmaster@example.com"', "dmarc-syntax"),
        ('_dmarc TXT "v=DMARC1 p=none"', "dmarc-syntax"),
        ('s._domainkey TXT "v=DKIM1; k=rsa"', "dkim-syntax"),
        ('s._domainkey TXT "v=DKIM1; p=not base64!"', "dkim-syntax"),
        ('s._domainkey TXT "k=rsa; v=DKIM1; p=AAAA"', "dkim-syntax"),
        ('s._domainkey TXT "v=DKIM1; k=ed25519; p=AAAA"', "dkim-syntax"),
    ],
)
def test_finds(text: str, kind: str) -> None:
    assert places(check(f"{TOP}{text}\n")) == [(kind, 5, 1)]


@pytest.mark.parametrize(
    "text",
    [
        '@ TXT "v=spf1 a mx/24 a:b.example/24//64 ~all"',
        '@ TXT "v=spf1 +ip4:192.0.2.0/24 ip6:2001:db8::/32 exists:%{i}.x ?all"',
        '@ TXT "v=spf1 include:_spf.example.net redirect=_spf.example.org x-y=1"',
        '@ SPF "v=spf1 -all"\n@ TXT "v=spf1 -all"',
        '@ TXT "v=spf1"\n@ TXT "v=spf10 nonsense"',
        '_dmarc TXT "v=DMARC1; p=none; sp=reject; rua=mailto:a@b.example,mailto:c@d.example;"',
        '_dmarc TXT "v=DMARC1;p=Quarantine;pct=5;adkim=s"',
        's._domainkey TXT "p="\nt._domainkey TXT "v=DKIM1; " "p=AA" "AA; t=s"',
        'sub NS ns.example.net.\n@.sub TXT "x"\n_dmarc.sub TXT "nonsense"',
    ],
)
def test_lets_pass(text: str) -> None:
    assert check(f"{TOP}{text}\n") == []


def test_two_spf_records() -> None:
    found = check(TOP + '@ TXT "v=spf1 -all"\n@ TXT "v=spf1 mx -all"\n')
    assert ids(found) == ["spf-multiple"]


def test_more_than_ten_lookups_through_an_include_of_this_zone() -> None:
    inner = " ".join(f"include:s{n}.example.net" for n in range(8))
    inside = f'_spf TXT "v=spf1 {inner} -all"\n'
    assert check(TOP + inside + '@ TXT "v=spf1 mx include:_spf.example.com -all"\n') == []
    found = check(TOP + inside + '@ TXT "v=spf1 mx a include:_spf.example.com -all"\n')
    assert places(found) == [("spf-lookups", 6, 1)]
    assert "11 look-ups" in found[0].message


def test_an_include_of_itself_ends() -> None:
    assert check(TOP + '@ TXT "v=spf1 include:example.com -all"\n') == []
