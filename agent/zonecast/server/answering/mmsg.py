"""recvmmsg(2) and sendmmsg(2) through ctypes: one system call a batch, on Linux.

Every buffer and header is made once. Only lengths, addresses and the pointers to the replies
change from batch to batch; the kernel overwrites the lengths, so they are set each time.

A socket bound to a wildcard address (systemd passes such) also receives packet info, which goes
back with the reply: it leaves from the address that was asked (RFC 2181 §4.1).
"""

from __future__ import annotations

import ctypes
import socket
import sys
from typing import Any

from zonecast.server.answering.batch import BATCH, PACKET, Packets

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


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_char_p), ("length", ctypes.c_size_t))


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
    """BATCH message headers, each with an address, one buffer and, with `control`, room for a
    control message."""

    def __init__(self, *, control: bool) -> None:
        self.addresses = bytearray(BATCH * _ADDRESS)
        self.buffers = (_Iovec * BATCH)()
        self.headers = (_Mmsghdr * BATCH)()
        self._names = (ctypes.c_char * len(self.addresses)).from_buffer(self.addresses)
        start = ctypes.addressof(self._names)
        for index, message in enumerate(self.headers):
            message.header.name = start + index * _ADDRESS
            message.header.iov = ctypes.pointer(self.buffers[index])
            message.header.iovlen = 1
        self.controls = bytearray(BATCH * _CONTROL)
        self._controls = (ctypes.c_char * len(self.controls)).from_buffer(self.controls)
        if control:
            start = ctypes.addressof(self._controls)
            for index, message in enumerate(self.headers):
                message.header.control = start + index * _CONTROL
        # Objects made once: indexing a ctypes array makes a new one every time.
        self.messages = list(self.headers)
        self.inner = [message.header for message in self.messages]
        self.iovecs = [self.buffers[index] for index in range(BATCH)]

    def at(self, index: int) -> int:
        """The address of the message header at `index`."""
        return ctypes.addressof(self.headers) + index * ctypes.sizeof(_Mmsghdr)


def _is_wildcard(sock: socket.socket) -> bool:
    return sock.family in _PACKET_INFO and sock.getsockname()[0] in ("0.0.0.0", "::")


class LinuxBatch:
    """One system call a batch; see `zonecast.server.batch.Datagrams`. A client is its sockaddr;
    where the socket is bound to a wildcard, padded and followed by the packet info."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._fd = sock.fileno()
        self._family = sock.family
        self._wildcard = _is_wildcard(sock)
        if self._wildcard:
            sock.setsockopt(*_PACKET_INFO[sock.family], 1)
        self._in = _Headers(control=self._wildcard)
        self._out = _Headers(control=self._wildcard)
        self._memory = bytearray(BATCH * PACKET)
        self._view = memoryview(self._memory)
        self._buffer = (ctypes.c_char * len(self._memory)).from_buffer(self._memory)
        start = ctypes.addressof(self._buffer)
        for index, iovec in enumerate(self._in.iovecs):
            iovec.base = start + index * PACKET
            iovec.length = PACKET
        for inner in self._in.inner:
            inner.namelen = _ADDRESS
            inner.controllen = _CONTROL if self._wildcard else 0
        self._in_at = self._in.at(0)

    def receive(self) -> Packets:
        """See `Datagrams`."""
        count = _recvmmsg(self._fd, self._in_at, BATCH, socket.MSG_DONTWAIT, None)
        packets: Packets = []
        view = self._view
        addresses = self._in.addresses
        for index in range(count):  # -1, an error, is no packet
            inner = self._in.inner[index]
            client = bytes(addresses[index * _ADDRESS : index * _ADDRESS + inner.namelen])
            inner.namelen = _ADDRESS
            if self._wildcard:
                client = client.ljust(_ADDRESS, b"\x00") + self._packet_info(index)
            if client[2:4] != b"\x00\x00":
                start = index * PACKET
                packet = bytes(view[start : start + self._in.messages[index].length])
                packets.append((packet, client))
        return packets

    def _packet_info(self, index: int) -> bytes:
        """The control message as the reply carries it: without an interface, which routing finds
        better, except where a link-local address means nothing without one."""
        inner = self._in.inner[index]
        start = index * _CONTROL
        control = self._in.controls[start : start + inner.controllen]
        inner.controllen = _CONTROL
        interface = _INTERFACE[self._family]
        link_local = self._family == socket.AF_INET6 and control[16:18] == _LINK_LOCAL
        if len(control) >= interface.stop and not link_local:
            control[interface] = b"\x00\x00\x00\x00"
        return bytes(control)

    def send(self, replies: Packets) -> None:
        """See `Datagrams`."""
        for start in range(0, len(replies), BATCH):
            self._send(replies[start : start + BATCH])

    def _send(self, replies: Packets) -> None:
        out = self._out
        for index, (reply, client) in enumerate(replies):
            iovec = out.iovecs[index]
            iovec.base = reply
            iovec.length = len(reply)
            inner = out.inner[index]
            if self._wildcard:
                control = client[_ADDRESS:]
                client = client[: _ADDRESS_LENGTHS[self._family]]
                place = index * _CONTROL
                out.controls[place : place + len(control)] = control
                inner.controllen = len(control)
            start = index * _ADDRESS
            out.addresses[start : start + len(client)] = client
            inner.namelen = len(client)
        done = 0
        while done < len(replies):
            sent = _sendmmsg(self._fd, out.at(done), len(replies) - done, socket.MSG_DONTWAIT)
            # An error is the first remaining packet's own (EMSGSIZE, unreachable): step over it.
            done += max(sent, 1)

    def client_ip(self, client: Any) -> str:
        """See `Datagrams`."""
        if int.from_bytes(client[:2], sys.byteorder) == socket.AF_INET:
            return socket.inet_ntop(socket.AF_INET, client[4:8])
        return socket.inet_ntop(socket.AF_INET6, client[8:24])
