"""recvmmsg(2) and sendmmsg(2) through ctypes: one system call a batch, on Linux.

Every buffer and header is made once. Only lengths, addresses and the pointers to the replies
change from batch to batch; the kernel overwrites the address lengths, so they are set each time.
"""

from __future__ import annotations

import ctypes
import socket
import sys
from typing import Any

from zonecast.server.batch import BATCH, PACKET, Packets

_ADDRESS = 28  # sizeof(struct sockaddr_in6), the longer of the two


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
    """BATCH message headers, each with an address and one buffer."""

    def __init__(self) -> None:
        self.addresses = bytearray(BATCH * _ADDRESS)
        self.buffers = (_Iovec * BATCH)()
        self.headers = (_Mmsghdr * BATCH)()
        self._names = (ctypes.c_char * len(self.addresses)).from_buffer(self.addresses)
        start = ctypes.addressof(self._names)
        for index, message in enumerate(self.headers):
            message.header.name = start + index * _ADDRESS
            message.header.iov = ctypes.pointer(self.buffers[index])
            message.header.iovlen = 1
        # Objects made once: indexing a ctypes array makes a new one every time.
        self.messages = list(self.headers)
        self.inner = [message.header for message in self.messages]
        self.iovecs = [self.buffers[index] for index in range(BATCH)]

    def at(self, index: int) -> int:
        """The address of the message header at `index`."""
        return ctypes.addressof(self.headers) + index * ctypes.sizeof(_Mmsghdr)


class LinuxBatch:
    """One system call a batch; see `zonecast.server.batch.Datagrams`. A client is its sockaddr."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._fd = sock.fileno()
        self._in = _Headers()
        self._out = _Headers()
        self._memory = bytearray(BATCH * PACKET)
        self._view = memoryview(self._memory)
        self._buffer = (ctypes.c_char * len(self._memory)).from_buffer(self._memory)
        start = ctypes.addressof(self._buffer)
        for index, iovec in enumerate(self._in.iovecs):
            iovec.base = start + index * PACKET
            iovec.length = PACKET
        for inner in self._in.inner:
            inner.namelen = _ADDRESS
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
            if client[2:4] != b"\x00\x00":
                start = index * PACKET
                packet = bytes(view[start : start + self._in.messages[index].length])
                packets.append((packet, client))
        return packets

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
            start = index * _ADDRESS
            out.addresses[start : start + len(client)] = client
            out.inner[index].namelen = len(client)
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
