"""What stands in each server's configuration for it to give a zone away, or to fetch one."""

from __future__ import annotations

# zonecast is given a [[secondary]] for each address that asks.
PRIMARY = {
    "zonecast": """
[[repository]]
path = "{directory}/repository"
branch = "main"
{secondaries}
""",
    "Knot": """\
acl:
  - id: transfer
    address: 127.0.0.0/8
    action: transfer
zone:
  - domain: {origin}
    file: {file}
    zonefile-sync: -1
    zonefile-load: {load}
    serial-policy: increment
    acl: transfer
""",
    "NSD": """\
server:
    tcp-count: 2000
zone:
    name: {origin}
    zonefile: {file}
    provide-xfr: 127.0.0.0/8 NOKEY
    store-ixfr: yes
    create-ixfr: yes
    ixfr-number: 100
""",
    "BIND": """\
zone "{origin}" {{
    type primary; file "{file}"; ixfr-from-differences yes; allow-transfer {{ 127.0.0.0/8; }};
}};
""",
}
SECONDARY = {
    "zonecast": """
[[primary]]
name = "primary"
address = "127.0.0.1:{primary}"

[[zone]]
name = "{origin}"
primaries = ["primary"]
""",
    # The zone is written to no file: the fastest that Knot can be.
    "Knot": """\
remote:
  - id: primary
    address: 127.0.0.1@{primary}
acl:
  - id: notify
    address: 127.0.0.1
    action: notify
zone:
  - domain: {origin}
    file: {file}
    zonefile-sync: -1
    master: primary
    acl: notify
""",
    "NSD": """\
zone:
    name: {origin}
    zonefile: {file}
    request-xfr: 127.0.0.1@{primary} NOKEY
    allow-notify: 127.0.0.1 NOKEY
""",
    "BIND": """\
zone "{origin}" {{
    type secondary; file "{file}"; primaries {{ 127.0.0.1 port {primary}; }};
    allow-notify {{ 127.0.0.1; }};
}};
""",
}
NAMED_OPTIONS = "notify no; tcp-clients 3000; transfers-out 3000; check-integrity no;"
# Twenty NOTIFYs a second, as BIND has it by default, would be all that is measured.
NAMED_FANOUT = (
    "notify explicit; notify-delay 0; notify-rate 10000; startup-notify-rate 10000;"
    " tcp-clients 3000; transfers-out 3000; check-integrity no;"
)


def secondaries(addresses: list[str], port: int) -> str:
    """The tables that allow these addresses to transfer, and name them to be told."""
    return "".join(
        f'\n[[secondary]]\nname = "{address}"\naddress = "{address}:{port}"\n'
        for address in addresses
    )


def fanout(addresses: list[str], port: int) -> dict[str, str]:
    """`PRIMARY` with every one of these addresses told of changes."""
    remotes = "".join(f"  - id: at{a}\n    address: {a}@{port}\n" for a in addresses)
    listed = ", ".join(f"at{address}" for address in addresses)
    told = "".join(f"{address} port {port}; " for address in addresses)
    return {
        "zonecast": PRIMARY["zonecast"],
        "Knot": f"remote:\n{remotes}{PRIMARY['Knot']}    notify: [{listed}]\n",
        "NSD": PRIMARY["NSD"] + "".join(f"    notify: {a}@{port} NOKEY\n" for a in addresses),
        "BIND": PRIMARY["BIND"].replace(
            "type primary;", f"type primary; also-notify {{{{ {told}}}}};"
        ),
    }
