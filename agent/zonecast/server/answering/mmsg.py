"""recvmmsg(2) and sendmmsg(2) through ctypes: one system call a batch, on Linux.

Every buffer and header is made once, and each slot's address serves its packet and its reply. What
changes from batch to batch (lengths, pointers to the replies) is read and written through
memoryviews of machine words: attributes of ctypes structures cost several times as much.

A socket bound to a wildcard address (systemd passes such) also receives packet info, which goes
back with the reply: it leaves from the address that was asked (RFC 2181 §4.1).
"""

from __future__ import annotations

import ctypes
import socket
from collections.abc import Sequence

from zonecast.server.answering.batch import BATCH, PACKET

_ADDRESS = 28  # sizeof(struct sockaddr_in6), the longer of the two
_ADDRESS_LENGTHS = {socket.AF_INET: 16, socket.AF_INET6: 28}

# Room for one control message: its header (16) and the longer packet info, padded.
_CONTROL = 40
# Where struct in_pktinfo and struct in6_pktinfo have the interface's index, in a control message.
_INTERFACE = {socket.AF_INET: slice(16, 20), socket.AF_INET6: slice(32, 36)}
_PACKET_INFO = {
    socket.AF_INET: (socket.IPPROTO_IP, 8),  # IP_PKTINFO, which the socket module lacks
    socket.AF_INET6: (socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO),
}
_LINK_LOCAL = b"\xfe\x80"

# Where CPython keeps the octets of a bytes object, behind the object's address.
_OCTETS = bytes.__basicsize__ - 1
assert ctypes.string_at(id(b"octets") + _OCTETS) == b"octets"


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Msghdr(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("namelen", ctypes.c_uint32),
        ("iov", ctypes.POINTER(_Iovec)),
        ("iovlen", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("controllen", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Mmsghdr(ctypes.Structure):
    _fields_ = (("header", _Msghdr), ("length", ctypes.c_uint32))


_SIZE = ctypes.sizeof(_Mmsghdr)
_CONTROL_LENGTH = _Msghdr.controllen.offset // ctypes.sizeof(ctypes.c_size_t)
_WORDS = _SIZE // ctypes.sizeof(ctypes.c_size_t)

_libc = ctypes.CDLL(None, use_errno=True)
_recvmmsg = _libc.recvmmsg
_recvmmsg.argtypes = (
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_uint,
    ctypes.c_int,
    ctypes.c_void_p,
)
_sendmmsg = _libc.sendmmsg
_sendmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)


class _Headers:
    """BATCH message headers over given addresses and controls, each with one buffer of its own.
    `iovecs` has two words a slot, the buffer's address and length; `words` and `lengths` are the
    headers themselves."""

    def __init__(self, addresses: int, length: int, controls: int | None) -> None:
        self._iovecs = (_Iovec * BATCH)()
        self._headers = (_Mmsghdr * BATCH)()
        for slot, message in enumerate(self._headers):
            message.header.name = addresses + slot * _ADDRESS
            message.header.namelen = length
            message.header.iov = ctypes.pointer(self._iovecs[slot])
            message.header.iovlen = 1
            if controls is not None:
                message.header.control = controls + slot * _CONTROL
                message.header.controllen = _CONTROL
        self.iovecs = memoryview(self._iovecs).cast("B").cast("P")
        self.words = memoryview(self._headers).cast("B").cast("P")
        self.lengths = memoryview(self._headers).cast("B").cast("I")
        self.start = ctypes.addressof(self._headers)


class LinuxBatch:
    """One system call a batch; see `zonecast.server.answering.batch.Datagrams`."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._fd = sock.fileno()
        self._family = sock.family
        self._wildcard = sock.family in _PACKET_INFO and sock.getsockname()[0] in ("0.0.0.0", "::")
        if self._wildcard:
            sock.setsockopt(*_PACKET_INFO[sock.family], 1)
        self._addresses = bytearray(BATCH * _ADDRESS)
        self._controls = bytearray(BATCH * _CONTROL)
        memory = bytearray(BATCH * PACKET)
        addresses, controls, packets = (
            ctypes.addressof((ctypes.c_char * len(octets)).from_buffer(octets))
            for octets in (self._addresses, self._controls, memory)
        )
        shared = (addresses, _ADDRESS_LENGTHS[self._family], controls if self._wildcard else None)
        self._in = _Headers(*shared)
        self._out = _Headers(*shared)
        self._memory = memoryview(memory)
        self._ports = memoryview(self._addresses).cast("H")
        for slot in range(BATCH):
            self._in.iovecs[2 * slot] = packets + slot * PACKET
            self._in.iovecs[2 * slot + 1] = PACKET
        # For each slot: where its packet starts, and where its length stands.
        step = _SIZE // 4
        at = _Mmsghdr.length.offset // 4
        self._slots = [(slot * PACKET, slot * step + at) for slot in range(BATCH)]

    def receive(self) -> list[bytes]:
        """See `Datagrams`."""
        count = _recvmmsg(self._fd, self._in.start, BATCH, socket.MSG_DONTWAIT, None)
        if count <= 0:  # -1, an error, is no packet
            return []
        memory, lengths = self._memory, self._in.lengths
        slots = self._slots[:count] if count < BATCH else self._slots
        packets = [memory[start : start + lengths[at]].tobytes() for start, at in slots]
        if self._wildcard:
            self._keep_packet_info(count)
        ports = self._ports[1 : count * _ADDRESS // 2 : _ADDRESS // 2]
        if 0 in ports:
            for slot, port in enumerate(ports):
                if not port:
                    packets[slot] = b""
        return packets

    def _keep_packet_info(self, count: int) -> None:
        """The control messages as the replies carry them: without an interface, which routing
        finds better, except where a link-local address means nothing without one."""
        interface = _INTERFACE[self._family]
        for slot in range(count):
            word = slot * _WORDS + _CONTROL_LENGTH
            self._out.words[word] = length = self._in.words[word]
            self._in.words[word] = _CONTROL
            start = slot * _CONTROL
            address = self._controls[start + 16 : start + 18]
            link_local = self._family == socket.AF_INET6 and address == _LINK_LOCAL
            if length >= interface.stop and not link_local:
                self._controls[start + interface.start : start + interface.stop] = bytes(4)

    def send(self, replies: Sequence[bytes | None]) -> None:
        """See `Datagrams`."""
        iovecs = self._out.iovecs
        at = 0
        silent = False
        for reply in replies:
            if reply is None:
                silent = True
            else:
                iovecs[at] = id(reply) + _OCTETS
                iovecs[at + 1] = len(reply)
            at += 2
        if not silent:
            self._send(0, len(replies))
            return
        start = 0
        for slot, reply in enumerate([*replies, None]):
            if reply is None:
                self._send(start, slot)
                start = slot + 1

    def _send(self, start: int, end: int) -> None:
        while start < end:
            at = self._out.start + start * _SIZE
            sent = _sendmmsg(self._fd, at, end - start, socket.MSG_DONTWAIT)
            # An error is the first remaining packet's own (EMSGSIZE, unreachable): step over it.
            start += max(sent, 1)

    def client_ip(self, slot: int) -> str:
        """See `Datagrams`."""
        return socket.inet_ntop(self._family, self.client(slot))

    def client(self, slot: int) -> bytes:
        """See `Datagrams`."""
        start = slot * _ADDRESS
        if self._family == socket.AF_INET:
            return bytes(self._addresses[start + 4 : start + 8])
        return bytes(self._addresses[start + 8 : start + 24])
