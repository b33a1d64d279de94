"""A zone file signed with BIND's tools: ECDSA P-256, NSEC."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def sign(file: Path, origin: str) -> None:
    """Sign the zone in `file`, in place. Raises SystemExit without the tools."""
    if shutil.which("dnssec-signzone") is None:
        raise SystemExit("dnssec-signzone is needed: apt install bind9-utils")
    keys = file.parent / "keys"
    keys.mkdir()
    make = ["dnssec-keygen", "-q", "-K", str(keys), "-a", "ECDSAP256SHA256"]
    for more in ([], ["-f", "KSK"]):
        subprocess.run([*make, *more, origin], check=True, capture_output=True)
    command = ["dnssec-signzone", "-S", "-K", str(keys), "-o", origin, "-O", "full", "-Q"]
    command += ["-f", f"{file}.signed", str(file)]
    subprocess.run(command, check=True, capture_output=True, cwd=keys)
    Path(f"{file}.signed").replace(file)
