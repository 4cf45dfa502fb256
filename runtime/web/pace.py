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
    """Counts what each address asks, as a bucket that fills by the second. For one event loop."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, address: str) -> int:
        """Count one request from an address: 0 when it may pass, else the whole seconds until one may."""
        name, now = _network(address), self._now()
        left, at = self._left.pop(name, (float(BURST_REQUESTS), now))
        left = min(BURST_REQUESTS, left + (now - at) * REQUESTS_PER_SECOND)
        passes = left >= 1
        self._left[name] = (left - 1 if passes else left, now)
        if len(self._left) > ADDRESSES_REMEMBERED:
            self._left.popitem(last=False)
        return 0 if passes else int((1 - left) / REQUESTS_PER_SECOND) + 1


def _network(address: str) -> str:
    """Return what one sender has: an address of IPv4, a network of IPv6."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    return str(known.ipv4_mapped or ipaddress.ip_network((known, _NETWORK_BITS), strict=False))
