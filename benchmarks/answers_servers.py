"""How the servers are set up whose answers are measured: cookies with one secret, and, where asked
for, everything at once that looks at a query or counts it."""

from __future__ import annotations

from servers import ALONE, COOKIE_SECRET

# Cookies are on wherever they can be.
PLAIN = {
    "zonecast": 'cookie-secret-file = "{directory}/cookie"\nidentity = "bench"\n'
    + ALONE["zonecast"],
    "Knot": f"""\
mod-cookies:
  - id: shared
    secret: 0x{COOKIE_SECRET}
template:
  - id: default
    global-module: mod-cookies/shared
"""
    + ALONE["Knot"],
    "NSD": f"server:\n    answer-cookie: yes\n    cookie-secret: {COOKIE_SECRET}\n" + ALONE["NSD"],
    "BIND": ALONE["BIND"],
    "PowerDNS": ALONE["PowerDNS"],
}
BIND_OPTIONS = f'answer-cookie yes; cookie-secret "{COOKIE_SECRET}";'

# An access list, a rate limit that is never reached, and counting.
GUARDED = {
    "zonecast": PLAIN["zonecast"]
    + """
[query]
allow = ["127.0.0.0/8"]

[rate-limit]
responses-per-second = 100000
allow = ["127.0.0.0/8"]
""",
    "Knot": PLAIN["Knot"]
    .replace(
        "template:",
        """\
mod-rrl:
  - id: high
    rate-limit: 1000000
mod-queryacl:
  - id: local
    address: 127.0.0.0/8
template:""",
    )
    .replace(
        "mod-cookies/shared\n",
        "[mod-cookies/shared, mod-rrl/high, mod-queryacl/local, mod-stats]\n",
    ),
}
