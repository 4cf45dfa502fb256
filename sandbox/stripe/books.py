"""What a Stripe account keeps, and how each change of it is told: ids, balance movements, events."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.stripe import objects
from sandbox.stripe.objects import Object
from sandbox.stripe.refusal import Refused

API_VERSION = "2026-10-28.endive"
SETTLES_AFTER = timedelta(days=2)
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Cause:
    """The API request that made an event; what people and banks do has none."""

    request_id: str | None = None
    idempotency_key: str | None = None


class Books:
    """State by kind and id in Stripe's JSON form; amounts are integer minor units.

    `publish` delivers an event and returns how many subscribers it went to.
    """

    def __init__(
        self,
        *,
        name: str,
        currency: str,
        country: str,
        seed: str,
        clock: Callable[[], datetime],
        lock: threading.RLock,
        publish: Callable[[Object], int],
    ) -> None:
        self.name = name
        self.currency = currency.lower()
        self.cause = Cause()
        self._seed = seed
        self._clock = clock
        self._lock = lock
        self._publish = publish
        self._numbers: dict[str, int] = {}
        self.account_id = f"acct_{_token(seed, 16)}"
        # Made here so that no file holds anything that looks like a key.
        self.secret_key = "_".join(("sk", "test", _token(f"{seed}/key", 32)))
        self.account = objects.account(
            id=self.account_id, created=self.now(), name=name, currency=self.currency, country=country
        )
        self.payment_intents: dict[str, Object] = {}
        self.charges: dict[str, Object] = {}
        self.refunds: dict[str, Object] = {}
        self.disputes: dict[str, Object] = {}
        self.balance_transactions: dict[str, Object] = {}
        self.payouts: dict[str, Object] = {}
        self.customers: dict[str, Object] = {}
        self.checkout_sessions: dict[str, Object] = {}
        self.setup_intents: dict[str, Object] = {}
        self.payment_methods: dict[str, Object] = {}  # that payers saved
        self.refusing: dict[str, tuple[str, str]] = {}  # of them, what their bank declines payments with
        self.cash: dict[str, dict[str, int]] = {}  # kept for each customer, by currency
        self.cash_movements: dict[str, Object] = {}
        self.filled: dict[str, int] = {}  # what cash was applied to each payment that waits for a transfer
        self.transfers_in: set[str] = {"eur", "gbp", "usd"}  # currencies in which the account takes bank transfers
        self.bank_accounts: dict[str, Object] = {}  # linked by Financial Connections
        self.bank_lines: dict[str, Object] = {}
        self.bank_readings: list[str] = []  # that succeeded, the oldest first
        self.events: dict[str, Object] = {}
        self.payout_of: dict[str, str] = {}
        self.agreed_fees: dict[str, int | None] = {}
        self.intent_data: dict[str, Object] = {}
        # Told of each payment that was asked of a saved means, and of which.
        self.on_taken: Callable[[Object, str], None] = lambda _intent, _means: None

    def now(self, at: datetime | None = None) -> int:
        """Return the moment in seconds since the epoch."""
        return int((at or self._clock()).timestamp())

    def new_id(self, prefix: str) -> str:
        """Make the next id of a kind; the same steps give the same ids."""
        number = self._numbers[prefix] = self._numbers.get(prefix, 0) + 1
        return f"{prefix}_{_token(f'{self._seed}/{prefix}/{number}', 24)}"

    def move(
        self,
        *,
        type: str,
        category: str,
        source: str,
        amount: int,
        currency: str,
        fee: int = 0,
        description: str | None = None,
        at: datetime | None = None,
    ) -> Object:
        """Record a movement of the balance (`amount` signed). What adds money becomes available after two days."""
        delay = SETTLES_AFTER if type in ("charge", "payment") else timedelta(0)
        made = objects.balance_transaction(
            id=self.new_id("txn"),
            created=self.now(at),
            available_on=self.now(at) + int(delay.total_seconds()),
            type=type,
            category=category,
            source=source,
            amount=amount,
            fee=fee,
            currency=currency,
            description=description,
        )
        if made["available_on"] <= self.now():
            made["status"] = "available"
        self.balance_transactions[made["id"]] = made
        return made

    def settle_balance(self) -> None:
        """Turn pending movements whose day has come into available ones."""
        for transaction in self.balance_transactions.values():
            if transaction["available_on"] <= self.now():
                transaction["status"] = "available"

    def emit(self, type: str, subject: Object, *, at: datetime | None = None) -> None:
        """Keep and publish an event with a snapshot of its subject."""
        event: Object = {
            "id": self.new_id("evt"),
            "object": "event",
            "account": self.account_id,
            "api_version": API_VERSION,
            "created": self.now(at),
            "data": {"object": deepcopy(subject)},
            "livemode": False,
            "pending_webhooks": 0,
            "request": {"id": self.cause.request_id, "idempotency_key": self.cause.idempotency_key},
            "type": type,
        }
        self.events[event["id"]] = event
        event["pending_webhooks"] = self._publish(event)

    @staticmethod
    def known(store: dict[str, Object], kind: str, id: str, *, param: str = "id") -> Object:
        """Return an object of the account; Refused resource_missing when it has none of that id."""
        if id not in store:
            raise Refused.missing(kind, id, param=param, status=404 if param in ("id", "intent") else 400)
        return store[id]


def _token(text: str, length: int) -> str:
    """Derive `length` letters and digits from a text."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
    letters = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        letters.append(_ALPHABET[digit])
    return "".join(letters)
