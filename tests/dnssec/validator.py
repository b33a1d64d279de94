"""Unbound's validator as a library: asks one server, with one trust anchor."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from typing import NamedTuple

from peers import require_library

_OPTIONS = {
    "do-not-query-localhost:": "no",
    "qname-minimisation:": "no",
    "aggressive-nsec:": "no",
    "do-ip6:": "no",
    "num-queries-per-thread:": "64",
    "outgoing-range:": "64",
}


class _Result(ctypes.Structure):
    """`struct ub_result` of unbound.h."""

    _fields_ = [
        ("qname", ctypes.c_char_p),
        ("qtype", ctypes.c_int),
        ("qclass", ctypes.c_int),
        ("data", ctypes.c_void_p),
        ("len", ctypes.c_void_p),
        ("canonname", ctypes.c_char_p),
        ("rcode", ctypes.c_int),
        ("answer_packet", ctypes.c_void_p),
        ("answer_len", ctypes.c_int),
        ("havedata", ctypes.c_int),
        ("nxdomain", ctypes.c_int),
        ("secure", ctypes.c_int),
        ("bogus", ctypes.c_int),
        ("why_bogus", ctypes.c_char_p),
    ]


class Verdict(NamedTuple):
    """What the validator makes of an answer: RCODE, and "secure", "insecure" or why "bogus"."""

    rcode: int
    security: str


class Validator:
    """A resolver that knows of no server but one. It keeps what it has heard."""

    def __init__(self, anchors: Iterable[str], stubs: dict[str, int]) -> None:
        """`anchors` are DS or DNSKEY records in text, `stubs` zones and their ports on 127.0.0.1."""
        self._library = require_library("libunbound.so.8", "libunbound8")
        self._library.ub_ctx_create.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(self._library.ub_ctx_create())
        for option, value in _OPTIONS.items():
            self._call("ub_ctx_set_option", option.encode(), value.encode())
        for anchor in anchors:
            self._call("ub_ctx_add_ta", anchor.encode())
        for zone, port in stubs.items():
            self._call("ub_ctx_set_stub", zone.encode(), f"127.0.0.1@{port}".encode(), 0)

    def _call(self, function: str, *arguments: object) -> None:
        error = getattr(self._library, function)(self._context, *arguments)
        assert error == 0, f"{function} {arguments}: error {error}"

    def judge(self, name: str, rtype: int) -> Verdict:
        """What it makes of the answer to a query."""
        result = ctypes.POINTER(_Result)()
        self._call("ub_resolve", name.encode(), rtype, 1, ctypes.byref(result))
        found = result.contents
        security = "secure" if found.secure else "insecure"
        if found.bogus:
            security = f"bogus: {(found.why_bogus or b'').decode()}"
        verdict = Verdict(found.rcode, security)
        self._library.ub_resolve_free(result)
        return verdict

    def close(self) -> None:
        """Let go of it."""
        self._library.ub_ctx_delete(self._context)
