"""How often one address may ask from outside: enough for people, too little for whoever tries links and addresses."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

REQUESTS_PER_SECOND = 5.0
BURST_REQUESTS = 100  # a page is a handful of requests
ADDRESSES_REMEMBERED = 10_000  # the ones that asked last; a full table forgets whoever has been quiet longest
_NETWORK_BITS = 64  # what one household or server has of IPv6


class Pace:
    """Counts what each address does, as a bucket that fills by the second. For one event loop.

    `burst` and `per_second` are what may be done at once, and then; unless given, those of requests.
    """

    def __init__(
        self, now: Callable[[], float] = time.monotonic, *, burst: int | None = None, per_second: float | None = None
    ) -> None:
        self._now = now
        self._burst, self._per_second = burst, per_second
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, address: str) -> int:
        """Count one request from an address: 0 when it may pass, else the whole seconds until one may."""
        name, now = _network(address), self._now()
        left, per_second = self._now_left(name, now)
        passes = left >= 1
        self._left.pop(name, None)
        self._left[name] = (left - 1 if passes else left, now)
        if len(self._left) > ADDRESSES_REMEMBERED:
            self._left.popitem(last=False)
        return 0 if passes else int((1 - left) / per_second) + 1

    def is_spent(self, address: str) -> bool:
        """Whether an address must wait; nothing is counted."""
        return self._now_left(_network(address), self._now())[0] < 1

    def _now_left(self, name: str, now: float) -> tuple[float, float]:
        """Return what is left in a bucket, and how fast it fills."""
        burst = BURST_REQUESTS if self._burst is None else self._burst
        per_second = REQUESTS_PER_SECOND if self._per_second is None else self._per_second
        left, at = self._left.get(name, (float(burst), now))
        return min(burst, left + (now - at) * per_second), per_second


def _network(address: str) -> str:
    """Return what one sender has: an address of IPv4, a network of IPv6."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    return str(known.ipv4_mapped or ipaddress.ip_network((known, _NETWORK_BITS), strict=False))
