"""The order in which a signature is judged: who it is, whether it is right, and when."""

from __future__ import annotations

import pytest
from transfer_support import KEY_NAME, KEY_SECRET, ORIGIN

from zonecast.protocol.question import axfr_query
from zonecast.protocol.tsig import BADKEY, BADSIG, BADTIME, Failure, make_key, verify
from zonecast.protocol.tsig_record import Chain, append, unsigned
from zonecast.zone import names

NOW = 1_700_000_000
KEY = make_key(KEY_NAME, "hmac-sha256", KEY_SECRET)
QUERY = axfr_query(7, ORIGIN)
OTHER_NAME = names.from_text("other.example.")


@pytest.mark.parametrize(
    ("unknown", "wrong", "old", "short", "error"),
    [
        (True, True, True, True, BADKEY),
        (False, True, True, True, BADSIG),
        (False, True, True, False, BADSIG),
        (False, False, True, True, BADTIME),
        (False, False, False, True, None),
        (False, False, False, False, None),
    ],
)
def test_key_then_mac_then_time(
    unknown: bool, wrong: bool, old: bool, short: bool, error: int | None
) -> None:
    """Pitfall: of several things that are wrong, only the first is told: who does not have the key
    learns nothing of our clock. A truncated MAC is as good as a whole one."""
    tsig = unsigned(KEY, NOW - 301 * old, QUERY)
    mac = Chain(KEY).mac(QUERY, tsig)
    mac = bytes((mac[0] ^ wrong,)) + mac[1 : 16 if short else 32]
    name = OTHER_NAME if unknown else KEY.name
    packet = append(QUERY, tsig._replace(name=name, mac=mac))
    found = verify(packet, {KEY.name: KEY}, float(NOW))
    assert (found.error if isinstance(found, Failure) else None) == error
