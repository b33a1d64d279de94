"""What the replays of whole histories came to, so that a gate that turns lax or strict is seen."""

from __future__ import annotations

from collections import Counter

from expected import Figures

FIGURES = {
    ("ffhl-dns", "enforce"): Figures(
        commits=141,
        versions=216,
        published=138,
        unchanged=206,
        held=Counter({"serial-not-raised": 81, "serial-backwards": 22, "ns-no-address": 1}),
    ),
    ("ffhl-dns", "managed"): Figures(
        commits=141,
        versions=216,
        published=197,
        unchanged=250,
        held=Counter({"ns-no-address": 1}),
    ),
    ("skopjehacklab", "enforce"): Figures(
        commits=123,
        versions=110,
        published=17,
        unchanged=162,
        removed=4,
        links=13,
        held=Counter(
            {
                "serial-not-raised": 645,
                "ns-no-address": 47,
                "syntax": 20,
                "serial-too-large+unknown-type": 16,
                "soa-missing": 6,
                "cname-and-other": 1,
                "cname-and-other+serial-too-large": 1,
            }
        ),
    ),
    ("skopjehacklab", "managed"): Figures(
        commits=123,
        versions=110,
        published=103,
        unchanged=721,
        removed=4,
        links=13,
        held=Counter(
            {
                "ns-no-address": 47,
                "syntax": 20,
                "serial-too-large+unknown-type": 16,
                "soa-missing": 6,
                "cname-and-other": 1,
                "cname-and-other+serial-too-large": 1,
            }
        ),
    ),
    ("m-lab", "enforce"): Figures(
        commits=130,
        versions=80,
        published=70,
        unchanged=346,
        removed=4,
        held=Counter(
            {"serial-not-raised": 15, "serial-backwards": 1, "syntax": 1, "unknown-type": 1}
        ),
    ),
    ("m-lab", "managed"): Figures(
        commits=130,
        versions=80,
        published=71,
        unchanged=361,
        removed=4,
        held=Counter({"syntax": 1, "unknown-type": 1}),
    ),
}
