"""A load generator over keep-alive connections: one thread, raw sockets, requests that were built before."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

READ_BYTES = 64 * 1024
SILENCE_SECONDS = 30.0  # a server that answers nothing for so long has failed
_OK = b"HTTP/1.1 200"


@dataclass
class Load:
    """What a run saw: how long it took, the seconds each answer took, and the numbers of the requests answered 200."""

    seconds: float = 0.0
    waits: list[float] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)
    refused: int = 0
    broken: int = 0

    @property
    def rate(self) -> float:
        """Answers 200 a second."""
        return len(self.taken) / self.seconds if self.seconds else 0.0

    def wait_at(self, share: float) -> float:
        """Return the seconds within which this share of the requests was answered; 0 for an empty run."""
        ordered = sorted(self.waits)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def run_load(port: int, requests: list[bytes], *, connections: int, seconds: float) -> Load:
    """Post each request once at most, until `seconds` are over or none is left; every answer has an empty body.

    A connection that ends early counts as broken, and its request as not answered. TimeoutError when nothing is
    answered for SILENCE_SECONDS.
    """
    load = Load()
    sockets = _connect(port, connections)
    left = iter(enumerate(requests))
    poll = select.epoll()
    sent: dict[int, tuple[int, float]] = {}
    try:
        began = time.perf_counter()
        ends = began + seconds
        for number, each in sockets.items():
            poll.register(number, select.EPOLLIN)
            _send_next(each, left, sent)
        while sent:
            ready = poll.poll(SILENCE_SECONDS)
            if not ready:
                raise TimeoutError(f"nothing was answered for {SILENCE_SECONDS:.0f} s")
            for number, _ in ready:
                _take_answer(sockets[number], load, sent)
                if time.perf_counter() < ends and number in sockets and sockets[number].fileno() != -1:
                    _send_next(sockets[number], left, sent)
        load.seconds = time.perf_counter() - began
    finally:
        poll.close()
        for each in sockets.values():
            each.close()
    return load


def _connect(port: int, connections: int) -> dict[int, socket.socket]:
    opened = [socket.create_connection(("127.0.0.1", port), timeout=SILENCE_SECONDS) for _ in range(connections)]
    for each in opened:
        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return {each.fileno(): each for each in opened}


def _send_next(to: socket.socket, left: Iterator[tuple[int, bytes]], sent: dict[int, tuple[int, float]]) -> None:
    following = next(left, None)
    if following is None:
        return
    number, request = following
    sent[to.fileno()] = (number, time.perf_counter())
    try:
        to.sendall(request)
    except OSError:
        return  # its end is read next


def _take_answer(of: socket.socket, load: Load, sent: dict[int, tuple[int, float]]) -> None:
    number, at = sent.pop(of.fileno())
    try:
        answer = of.recv(READ_BYTES)
    except OSError:
        answer = b""
    if not answer:
        load.broken += 1
        of.close()
        return
    load.waits.append(time.perf_counter() - at)
    if answer.startswith(_OK):
        load.taken.append(number)
    else:
        load.refused += 1
