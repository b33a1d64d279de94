"""`zonecast keygen`: a TSIG key's secret in a file, and the lines that use it."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

import click

from zonecast.config.tables import ALGORITHMS
from zonecast.errors import BadNameError, UsageError, ZonecastError
from zonecast.zone import names

# As many bits as the hash gives, which RFC 8945 §8 asks of a secret.
OCTETS = {"hmac-sha224": 28, "hmac-sha256": 32, "hmac-sha384": 48, "hmac-sha512": 64}


@click.command()
@click.argument("name")
@click.option(
    "--algorithm", type=click.Choice(ALGORITHMS), default=ALGORITHMS[0], show_default=True
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The file to write the secret to.  [default: /etc/zonecast/NAME.key]",
)
def command(name: str, algorithm: str, out: Path | None) -> None:
    """Make the TSIG key NAME: write its secret to a file that only the owner and the group can
    read, and print the configuration for both sides. A file that exists is left alone."""
    try:
        key_name = names.to_text(names.from_text(name, names.ROOT).lower())
    except BadNameError as error:
        raise UsageError(error.message, remedy="a key's name is a domain name") from None
    path = (out or Path("/etc/zonecast") / f"{key_name.rstrip('.')}.key").absolute()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    except FileExistsError:
        raise UsageError(
            "the file exists", where=str(path), remedy="remove it first, or name another with --out"
        ) from None
    except OSError as error:
        raise ZonecastError(
            f"the secret cannot be written: {error.strerror}",
            where=str(path),
            remedy="make the directory, or name another file with --out",
        ) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.b64encode(secrets.token_bytes(OCTETS[algorithm])) + b"\n")
    click.echo(
        f'[[key]]\nname = "{key_name.rstrip(".")}"\n'
        f'algorithm = "{algorithm}"\nsecret-file = "{path}"'
    )
