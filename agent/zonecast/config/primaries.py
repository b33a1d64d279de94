"""What must agree between the options of one [[primary]]."""

from __future__ import annotations

from zonecast.config.tables import PrimaryConfig
from zonecast.options import Document


def check_primary(primary: PrimaryConfig, document: Document) -> None:
    """Raises ConfigError for the first disagreement."""
    known = {
        "pins": primary.pins,
        "authentication-name": primary.authentication_name,
        "ca-file": primary.ca_file,
    }
    if primary.tls == "strict" and not any(known.values()):
        raise document.error(
            f"'{primary.name}' is to be asked over TLS, but nothing says how it is known",
            remedy="give 'pins', 'authentication-name' or 'ca-file'",
            at=("tls",),
        )
    for key, value in known.items():
        if value and primary.tls != "strict":
            raise document.error(
                f"'{primary.name}' has '{key}', which counts where tls is \"strict\" alone",
                at=(key,),
            )
    files = {"certificate-file": primary.certificate_file, "key-file": primary.key_file}
    for key, file in files.items():
        if file and None in files.values():
            raise document.error("give both 'certificate-file' and 'key-file'", at=(key,))
        if file and primary.tls == "off":
            raise document.error(f"'{key}' counts over TLS alone, and tls is \"off\"", at=(key,))
