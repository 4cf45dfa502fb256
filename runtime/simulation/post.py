"""The road of webhooks from the vendors to the product, with what goes wrong on it."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from runtime.simulation.faults import Faults
from runtime.simulation.virtual import Agenda
from sandbox.estate import Estate
from sandbox.standin import StandIn
from sandbox.webhooks import Delivery

MAX_REMEMBERED = 500  # bodies kept for replays
FORGED_MARK = "forged"
BATCH = 1_000  # webhooks that arrive at once
MAX_ATTEMPTS = 8  # of a vendor to deliver one webhook
_TAKEN = 200
_OFF_HOURS = (24.0, 48.0)  # that a hook stays off which failed for too long
HandIn = Callable[[str, dict[str, str], bytes], int]  # gives the status of the answer


@dataclass
class Post:
    """Carries webhooks from the stand-ins to the product."""

    agenda: Agenda
    faults: Faults
    estate: Estate
    hand_in: HandIn
    forged_taken: int = 0
    taken: list[tuple[str, bytes]] = field(default_factory=list)  # answered with success since they were last looked up
    _delivered: deque[tuple[str, dict[str, str], bytes]] = field(default_factory=lambda: deque(maxlen=MAX_REMEMBERED))
    _off_until: dict[str, datetime] = field(default_factory=dict)  # hooks that their vendor switched off
    _first: dict[str, Delivery] = field(default_factory=dict)  # until it is taken, its vendor withholds later ones
    _withheld: defaultdict[str, list[Delivery]] = field(default_factory=lambda: defaultdict(list))

    def collect(self) -> int:
        """Send what lies ready at the vendors on its way. Returns how many."""
        count = 0
        for standin in self.estate.standins:
            pending = standin.courier.pending
            while not pending.empty():
                delivery = pending.get_nowait()
                if delivery is not None:
                    self._send(standin, delivery)
                    count += 1
        return count

    def _send(self, standin: StandIn, delivery: Delivery) -> None:
        rng, strikes = self.faults.draw(), self.faults.strikes
        now = standin.clock()
        if strikes("webhook_switched_off"):
            self._off_until[standin.name] = now + timedelta(hours=rng.uniform(*_OFF_HOURS))
        if now < self._off_until.get(standin.name, now) or strikes("webhook_drop"):
            return
        wait = timedelta(seconds=rng.uniform(0.2, 8.0))
        if strikes("webhook_delay_days"):
            wait = timedelta(hours=rng.uniform(1, 72))
        elif strikes("webhook_delay"):
            wait = timedelta(minutes=rng.uniform(1, 50))
        self._later(standin, delivery, wait)
        if strikes("webhook_duplicate"):
            self._later(standin, delivery, wait + timedelta(seconds=rng.uniform(0, 90)))

    def _later(self, standin: StandIn, delivery: Delivery, wait: timedelta) -> None:
        self.agenda.later(wait, f"webhook of {standin.name}", lambda: self._arrive(standin, delivery))

    def _arrive(self, standin: StandIn, delivery: Delivery) -> str:
        system = standin.name
        first = self._first.get(system)
        if first is not None and first is not delivery:
            self._withheld[system].append(delivery)
            return f"a webhook of {system} is withheld"
        rng, strikes = self.faults.draw(), self.faults.strikes
        headers, body = delivery.headers | (delivery.sign() if delivery.sign else {}), delivery.body
        self._disturb(standin, headers, body)
        self._delivered.append((system, headers, body))
        delivery.attempts += 1
        if self._hand_in(system, headers, body) or delivery.attempts >= MAX_ATTEMPTS:
            self._release(standin)
            return f"webhook of {system}"
        if strikes("webhook_withheld"):
            self._first[system] = delivery
        self._later(standin, delivery, timedelta(minutes=rng.uniform(1, 60)))  # as vendors try again
        return f"a webhook of {system} is refused"

    def _release(self, standin: StandIn) -> None:
        """Send on what was withheld: the first is taken, or given up."""
        self._first.pop(standin.name, None)
        for delivery in self._withheld.pop(standin.name, ()):
            self._later(standin, delivery, timedelta(0))

    def _disturb(self, standin: StandIn, headers: dict[str, str], body: bytes) -> None:
        """Let somebody post what is no webhook of the vendor, or one that came before."""
        rng, strikes, system = self.faults.draw(), self.faults.strikes, standin.name
        if strikes("webhook_forged"):
            mark = hashlib.sha256(body).hexdigest()[:12]
            self._forge(system, headers, body.replace(b'"', f'"{FORGED_MARK}{mark}'.encode(), 1) + b" ")
        if strikes("webhook_wrong_tenant"):
            others = [each for each in ("xero", "quickbooks", "stripe") if each != system]
            self._forge(rng.choice(others), headers, body)
        if strikes("webhook_truncated"):
            self._forge(system, headers, body[: len(body) // 2])
        if strikes("webhook_unknown"):
            self._forge(system, headers, json.dumps({"what": rng.random()}).encode())
        if strikes("webhook_poison"):
            self._poison(standin, rng.choice((body[: len(body) // 2], json.dumps([rng.random()]).encode(), b"\xff{")))
        if strikes("webhook_replay") and self._delivered:
            self._hand_in(*rng.choice(self._delivered))
        for _ in range(BATCH if strikes("webhook_burst") else 0):
            self._hand_in(system, headers, body)

    def _hand_in(self, system: str, headers: dict[str, str], body: bytes) -> bool:
        is_taken = self.hand_in(system, headers, body) == _TAKEN
        if is_taken:
            self.taken.append((system, body))
        return is_taken

    def _poison(self, standin: StandIn, body: bytes) -> None:
        """Post what nobody can read under the vendor's own signature: it is taken, and set aside."""
        self.hand_in(standin.name, standin.signed(body), body)

    def _forge(self, system: str, headers: dict[str, str], body: bytes) -> None:
        """Post a body under a signature that was made for another."""
        self.forged_taken += self.hand_in(system, headers, body) == _TAKEN
