"""A datagram worker: a tight synchronous loop that receives a batch, answers, sends a batch.

The read transaction begins after a batch was received and ends before the loop blocks, when its
answers are with the kernel; so a reader table without old transactions means that no answer from
an old version is still to come (see `visibility`).
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from zonecast.server.answering.batch import Batch, Datagrams
from zonecast.server.answering.guard import Guard, read_rulebook
from zonecast.server.answering.responder import Responder
from zonecast.server.answering.rules import read_rules
from zonecast.server.channel import Channel
from zonecast.store.reader import ZonesReader


class DatagramWorker:
    """One process's sockets, and what answers on them."""

    def __init__(self, channel: Channel, settings: dict[str, Any]) -> None:
        self._channel = channel
        self._reader = ZonesReader(Path(settings["state-dir"]))
        self._reader.tell_expired(settings.get("expired"))
        self._snapshot = self._reader.begin()
        self._snapshot.close()
        rules = read_rules(settings)
        self._guard = self._guarded(settings)
        self._served: dict[int, tuple[Datagrams, Responder]] = {}
        for fd in settings["sockets"]:
            batch = open_batch(socket.socket(fileno=fd))
            report, ip = channel.send_or_drop, batch.client_ip
            responder = Responder(rules, report, ip, datagram=True, client=batch.client)
            self._served[fd] = (batch, responder)

    def _guarded(self, settings: dict[str, Any]) -> Guard | None:
        rulebook = read_rulebook(settings)
        return Guard(rulebook, self._channel.send_or_drop) if any(rulebook) else None

    def run(self) -> None:
        """Serve until the controller says stop or is gone."""
        poll = select.poll()
        for fd in (*self._served, self._channel.fileno()):
            poll.register(fd, select.POLLIN)
        self._channel.send({"ready": True})
        while True:
            for fd, _ in poll.poll(None if self._guard is None else self._guard.pause()):
                served = self._served.get(fd)
                if served is not None:
                    self._serve(*served)
                elif not self._obey():
                    return
            if self._guard is not None:
                self._guard.report(time.monotonic())

    def close(self) -> None:
        """Give back the store."""
        self._reader.close()

    def _serve(self, batch: Datagrams, responder: Responder) -> None:
        packets = batch.receive()
        if not packets:
            return
        self._snapshot = self._reader.renew(self._snapshot)
        with self._snapshot as snapshot:
            responder.use(snapshot)
            replies = responder.replies(packets)
            if self._guard is not None:
                has_cookie = responder.has_cookie
                self._guard.batch(packets, replies, batch.client, has_cookie, snapshot)
            batch.send(replies)

    def _obey(self) -> bool:
        """Do what the controller says; False to end."""
        while True:
            message = self._channel.receive()
            if message is None or message.get("stop"):
                return False
            if "settings" in message:
                rules = read_rules(message["settings"])
                self._guard = self._guarded(message["settings"])
                for _, responder in self._served.values():
                    responder.rules = rules
            elif "expired" in message:
                self._reader.tell_expired(message["expired"])
            elif "barrier" in message:
                self._channel.send(message)
            if not self._channel.pending():
                return True


def open_batch(sock: socket.socket) -> Datagrams:
    """The best way of this system to receive and send."""
    if os.uname().sysname == "Linux":
        from zonecast.server.answering.mmsg import LinuxBatch

        return LinuxBatch(sock)
    return Batch(sock)


def main() -> None:
    """The process's entry: its argument is the descriptor of its channel."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the controller tells when to stop
    channel = Channel(int(sys.argv[1]))
    settings = channel.receive()
    if settings is not None:
        worker = DatagramWorker(channel, settings)
        worker.run()
        worker.close()


if __name__ == "__main__":
    main()
    # To take apart all that was remembered takes long, and who starts next waits for it.
    os._exit(0)
