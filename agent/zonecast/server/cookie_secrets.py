"""The secrets that make and verify DNS cookies, from the file that servers share (RFC 9018 §5)."""

from __future__ import annotations

import stat
from pathlib import Path

from zonecast.errors import ConfigError

_DIGITS = 32
_MOST = 2
_REMEDY = (
    "put 32 hexadecimal digits (openssl rand -hex 16) on the first line,"
    " and on a second one what was there before"
)


def read_cookie_secrets(file: Path) -> list[str]:
    """The secrets in `file` in hexadecimal: the one that makes cookies, and on a second line the
    one that does so no more but whose cookies are still taken. Raises ConfigError."""
    try:
        mode = file.stat().st_mode
        lines = file.read_text("ascii").split()
    except OSError as error:
        raise ConfigError(
            f"the cookie secret cannot be read: {error.strerror}", where=str(file)
        ) from None
    except ValueError:
        raise ConfigError("holds no hexadecimal text", where=str(file), remedy=_REMEDY) from None
    if mode & stat.S_IROTH:
        raise ConfigError(
            "everybody can read the cookie secret", where=str(file), remedy=f"chmod o-rwx {file}"
        )
    for number, line in enumerate(lines, 1):
        if len(line) != _DIGITS or not all(digit in "0123456789abcdefABCDEF" for digit in line):
            raise ConfigError(
                f"not {_DIGITS} hexadecimal digits", where=f"{file}:{number}", remedy=_REMEDY
            )
    if not 1 <= len(lines) <= _MOST:
        raise ConfigError(f"holds {len(lines)} secrets", where=str(file), remedy=_REMEDY)
    return lines
