"""One zone with every case that wants a proof, and those who sign it: BIND's, ldns' and Knot's
signers, each in a directory of its own with keys made there."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dns.zone
from peers import require

DS = f"DS 12345 13 2 {'ab' * 32}"

ZONE = f"""\
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
@ NS ns.insecure
@ MX 10 mail
@ CDS 0 0 0 00
@ CDNSKEY 0 3 0 AA==
ns A 192.0.2.53
ns AAAA 2001:db8::53
www A 192.0.2.1
www AAAA 2001:db8::1
Mail A 192.0.2.25
alias CNAME www
away CNAME host.elsewhere.test.
to-wildcard CNAME a.w
to-none CNAME none.www
to-nodata CNAME b.ent
to-cut CNAME x.insecure
to-secure CNAME x.secure
*.w A 192.0.2.80
*.w TXT "any"
known.w TXT "known"
x.deep.w A 192.0.2.81
*.wc CNAME www
*.wcw CNAME a.w
*.wcx CNAME none
*.wcaway CNAME host.elsewhere.test.
a.*.wd TXT "below a wildcard that holds nothing"
sub.b.ent A 192.0.2.5
dn DNAME w
dnx DNAME none
secure NS ns.secure
secure {DS}
ns.secure A 192.0.2.61
insecure NS ns.insecure
insecure NS ns.secure
ns.insecure A 192.0.2.62
a.ns.insecure AAAA 2001:db8::62
only.optout.ents NS ns.insecure
signed.some.ents NS ns.secure
signed.some.ents {DS}
\\001odd TXT "odd"
zz TXT "last"
"""

# Owners, and names at, below and beside them; relative to the zone.
_NAMES = """@ ns www mail alias away to-wildcard to-none to-nodata to-cut to-secure
a.w b.c.w known.w x.known.w deep.w y.deep.w *.w w x.wc wc a.wcw a.wcx a.wcaway
a.wd b.a.wd *.wd x.*.wd a.*.wd sub.b.ent b.ent ent x.ent x.b.ent dn x.dn a.b.dn x.dnx
secure x.secure ns.secure insecure x.insecure ns.insecure a.ns.insecure
only.optout.ents x.only.optout.ents optout.ents y.optout.ents ents y.ents
signed.some.ents some.ents y.some.ents \\001odd x.\\001odd 0 zz zzz a.zzz none x.y.none
hostmaster"""
NAMES = _NAMES.split()


@dataclass(frozen=True)
class Signed:
    """A signed zone as a master file, and its key-signing keys' rdata in text."""

    origin: str
    text: str
    anchors: tuple[str, ...]


def dnssec_signzone(directory: Path, origin: str, algorithm: str, *options: str) -> Signed:
    """Signed by BIND's tools."""
    for flags in ([], ["-f", "KSK"]):
        size = ["-b", "2048"] if algorithm == "RSASHA256" else []
        command = [require("dnssec-keygen"), "-q", "-a", algorithm, *size, *flags, origin]
        run(directory, command)
    (directory / "zone").write_text(ZONE)
    sign = [require("dnssec-signzone"), "-q", "-S", "-o", origin, *options, "-f", "signed", "zone"]
    run(directory, sign)
    return signed(directory / "signed", origin)


def ldns_signzone(directory: Path, origin: str, algorithm: str, *options: str) -> Signed:
    """Signed by ldns."""
    keys = [
        run(directory, [require("ldns-keygen"), "-a", algorithm, *flags, origin]).strip()
        for flags in ([], ["-k"])
    ]
    (directory / "zone").write_text(f"$ORIGIN {origin}\n{ZONE}")
    sign = [require("ldns-signzone"), *options, "-o", origin, "-f", "signed", "zone", *keys]
    run(directory, sign)
    return signed(directory / "signed", origin)


def kzonesign(directory: Path, origin: str, algorithm: str, *policy: str) -> Signed:
    """Signed by Knot."""
    lines = "".join(f"    {line}\n" for line in (f"algorithm: {algorithm}", *policy))
    (directory / "zone").write_text(f"$ORIGIN {origin}\n{ZONE}")
    (directory / "knot.conf").write_text(f"""\
database:
    storage: "{directory}"
    journal-db-max-size: 16M
    kasp-db-max-size: 16M
    timer-db-max-size: 16M
    catalog-db-max-size: 16M
policy:
  - id: made
{lines}
zone:
  - domain: {origin}
    storage: "{directory}"
    file: "zone"
    dnssec-signing: on
    dnssec-policy: made
    semantic-checks: off
""")
    (directory / "out").mkdir()
    run(directory, [require("kzonesign"), "-c", "knot.conf", "-o", "out", origin])
    [written] = (directory / "out").iterdir()
    return signed(written, origin)


def signed(path: Path, origin: str) -> Signed:
    """What a signer has written."""
    text = path.read_text(encoding="ascii")
    zone = dns.zone.from_text(text, origin=origin, relativize=False)
    keys = zone.get_rdataset(zone.origin, "DNSKEY")
    return Signed(origin, text, tuple(key.to_text() for key in keys if key.flags & 1))


def run(directory: Path, command: list[str]) -> str:
    """Run a program that must succeed; what it printed."""
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


SIGNERS: dict[str, Callable[[Path, str], Signed]] = {
    "bind-nsec": lambda d, o: dnssec_signzone(d, o, "ECDSAP256SHA256"),
    "bind-nsec3": lambda d, o: dnssec_signzone(d, o, "RSASHA256", "-3", "c0ffee", "-H", "5"),
    "bind-optout": lambda d, o: dnssec_signzone(d, o, "ECDSAP256SHA256", "-3", "-", "-A"),
    "ldns-nsec": lambda d, o: ldns_signzone(d, o, "RSASHA256"),
    "ldns-nsec3": lambda d, o: ldns_signzone(
        d, o, "ECDSAP256SHA256", "-n", "-s", "beef", "-t", "1"
    ),
    "ldns-optout": lambda d, o: ldns_signzone(d, o, "ECDSAP256SHA256", "-n", "-p"),
    "knot-nsec": lambda d, o: kzonesign(d, o, "ecdsap256sha256"),
    "knot-nsec3": lambda d, o: kzonesign(d, o, "rsasha256", "nsec3: on", "nsec3-iterations: 2"),
    "knot-optout": lambda d, o: kzonesign(
        d, o, "ecdsap256sha256", "nsec3: on", "nsec3-opt-out: on", "nsec3-salt-length: 0"
    ),
}

# More iterations than validators work through, which BIND's signer and Knot's refuse.
MANY_ITERATIONS = "ldns-many"


def many_iterations(directory: Path) -> Signed:
    """A zone that nobody has to hash for."""
    options = ("-n", "-s", "beef", "-t", "151")
    return ldns_signzone(directory, f"{MANY_ITERATIONS}.example.", "ECDSAP256SHA256", *options)
