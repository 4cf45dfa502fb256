"""What goes wrong between the product and the world, each kind counted when it happens."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from random import Random

from werkzeug.wrappers import Request, Response

from runtime.app import App
from runtime.operations.take_webhook import BadSignatureError, take_webhook
from sandbox.estate import Estate
from sandbox.standin import StandIn
from sandbox.webhooks import Delivery

# Chance of each fault when its moment comes. A fifth of the kinds is off in each seed, so that one cannot hide another.
WEBHOOK_FAULTS = {
    "webhook_duplicate": 0.15,
    "webhook_drop": 0.10,
    "webhook_delay": 0.15,
    "webhook_forged": 0.10,
    "webhook_truncated": 0.05,
}
CALL_FAULTS = {"server_error": 0.02, "answer_lost_after_write": 0.03}
OFF_SHARE = 0.2
FORGED_MARK = "forged"
_WRITES = frozenset({"POST", "PUT", "PATCH"})


class Faults:
    """The faults of one seed. `heal` ends them all."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.fired: Counter[str] = Counter(dict.fromkeys((*WEBHOOK_FAULTS, *CALL_FAULTS), 0))
        self._chances = {
            name: 0.0 if rng.random() < OFF_SHARE else chance for name, chance in (WEBHOOK_FAULTS | CALL_FAULTS).items()
        }

    def heal(self) -> None:
        """Let nothing go wrong any more."""
        self._chances = dict.fromkeys(self._chances, 0.0)

    def strikes(self, name: str) -> bool:
        """Whether this fault happens now; counted when it does."""
        happens = self._rng.random() < self._chances[name]
        self.fired[name] += happens
        return happens

    def intercept(self, request: Request, answer: Callable[[], Response]) -> Response:
        """Stand between the product and a vendor: fail before the effect, or lose the answer after it."""
        if request.path.startswith(("/connect", "/oauth", "/services/oauth2", "/v1/oauth")):
            return answer()
        if self.strikes("server_error"):
            return Response("the server is not well\n", status=503)
        response = answer()
        if request.method in _WRITES and self.strikes("answer_lost_after_write"):
            return Response("bad gateway\n", status=502)
        return response


class Post:
    """Carries webhooks from the stand-ins to the product, with the faults of the road."""

    def __init__(self, app: App, estate: Estate, faults: Faults, rng: Random) -> None:
        self._app = app
        self._estate = estate
        self._faults = faults
        self._rng = rng
        self._on_the_way: list[tuple[StandIn, Delivery]] = []
        self.refused_forgeries = 0

    def deliver(self) -> int:
        """Deliver what lies ready, in any order. Returns how many posts the product took."""
        for standin in self._estate.standins:
            while not standin.courier.pending.empty():
                delivery = standin.courier.pending.get_nowait()
                if delivery is not None:
                    self._on_the_way.append((standin, delivery))
        ready, self._on_the_way = self._on_the_way, []
        self._rng.shuffle(ready)
        return sum(self._carry(standin, delivery) for standin, delivery in ready)

    def _carry(self, standin: StandIn, delivery: Delivery) -> int:
        if self._faults.strikes("webhook_drop"):
            return 0
        if self._faults.strikes("webhook_delay"):
            self._on_the_way.append((standin, delivery))
            return 0
        headers = delivery.headers | (delivery.sign() if delivery.sign else {})
        if self._faults.strikes("webhook_forged"):
            self._forge(standin.name, headers, delivery.body)
        if self._faults.strikes("webhook_truncated"):
            self._hand_in(standin.name, headers, delivery.body[: len(delivery.body) // 2])
        copies = 2 if self._faults.strikes("webhook_duplicate") else 1
        for _ in range(copies):
            self._hand_in(standin.name, headers, delivery.body)
        return 1

    def _forge(self, system: str, headers: dict[str, str], body: bytes) -> None:
        """Post a body that nobody signed, with another body's signature."""
        mark = hashlib.sha256(body).hexdigest()[:12]
        forged = body.replace(b'"id"', f'"{FORGED_MARK}{mark}":1,"id"'.encode(), 1) + b" "
        if not self._hand_in(system, headers, forged):
            self.refused_forgeries += 1

    def _hand_in(self, system: str, headers: dict[str, str], body: bytes) -> bool:
        try:
            take_webhook(self._app, system=system, headers=headers, body=body)
        except BadSignatureError:
            return False
        return True
