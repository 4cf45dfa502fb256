"""The connector of one Stripe account."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from connectors.bank_feed import FedAccount, FedLine
from connectors.contract import Access
from connectors.errors import Absent, Fatal, Reject, answered
from connectors.intents import (
    Done,
    ForgetMeans,
    Found,
    Intent,
    KeepPayer,
    LinkBank,
    OpenCheckout,
    Outcome,
    SaveMeans,
    TakePayment,
)
from connectors.payments.stripe import bank_feed, saved_means, transfers
from connectors.payments.stripe.cash import EXPANDED, has_cash, held_cash_of
from connectors.payments.stripe.checkout import opened, parameters
from connectors.payments.stripe.client import PAGE_SIZE, Client, Declined, NotPermitted, Row, Unknown
from connectors.payments.stripe.notices import subject_of
from connectors.payments.stripe.reading import identity, is_disputed, payment_of, payout_of
from connectors.records import Kind, Page, Record
from receivables.problem import Problem

EVENT_RETENTION = timedelta(days=29)  # Stripe keeps events for 30 days; older changes need a full read

# What changes a payment or a payout; `types` of an event list takes at most 20 names and no wildcard.
EVENTS = {
    Kind.PROCESSOR_PAYMENT: [
        "payment_intent.created",
        "payment_intent.processing",
        "payment_intent.requires_action",
        "payment_intent.amount_capturable_updated",
        "payment_intent.partially_funded",
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
        "charge.updated",
        "charge.refunded",
        "charge.refund.updated",
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
        "refund.created",
        "refund.updated",
        "refund.failed",
    ],
    Kind.PAYOUT: [
        "payout.created",
        "payout.updated",
        "payout.paid",
        "payout.failed",
        "payout.canceled",
        "payout.reconciliation_completed",
    ],
    Kind.HELD_CASH: ["cash_balance.funds_available", "customer_cash_balance_transaction.created"],
}
# How what thin events name is read, by the first letters of its id.
_PARTS: dict[str, Callable[[Any, str], Any]] = {
    **dict.fromkeys(("ch", "py"), lambda sdk, external_id: sdk.v1.charges.retrieve(external_id)),
    **dict.fromkeys(("re", "pyr"), lambda sdk, external_id: sdk.v1.refunds.retrieve(external_id)),
    **dict.fromkeys(("dp", "du"), lambda sdk, external_id: sdk.v1.disputes.retrieve(external_id)),
}
_PAYMENT_PARTS = ["latest_charge.balance_transaction", "customer"]
_WITH_CASH = ["cash_balance"]


class StripeConnector:
    """Reads payments, payouts and the cash that is kept for payers; opens the pages on which payers pay.

    Takes payments from means that payers saved, where they agreed to it.

    What changed since a time is told by events and read again, once each.

    A payment is disputed here while the bank contests it (`dispute_open`) and after it is lost; a dispute that
    was won, prevented or closed as an inquiry leaves the payment as good as any.
    """

    def __init__(self, access: Access) -> None:
        self._client = Client(access)
        self._feeds = bank_feed.BankFeeds(self._client)
        self._clock = access.clock
        self._api_url = access.endpoint.api_url
        self._readers: Mapping[Kind, Callable[..., Record | None]] = {
            Kind.PROCESSOR_PAYMENT: self._payment,
            Kind.PAYOUT: self._payout,
            Kind.HELD_CASH: self._held_cash,
            Kind.SAVED_MEANS: self._means,
        }

    def read(self, kind: Kind, *, since: datetime | None) -> Iterator[Page]:
        """Yield all objects of a kind, or those that events since a time name, newest first."""
        if since is not None and self._clock() - since < EVENT_RETENTION:
            for ids in _batches(self._changed(kind, since)):
                yield self._fetch(kind, ids, urgent=False)
            return
        for rows in self._all(kind):
            yield self._page(kind, rows, urgent=False)

    def fetch(self, kind: Kind, external_ids: Sequence[str]) -> Page:
        """Read these objects, one call each: Stripe has no other way. Reconnect where the consent was taken back."""
        if kind is Kind.CONSENT:
            self._client.one(lambda sdk: sdk.v1.accounts.retrieve_current(), urgent=True)
            return Page(())
        if kind is Kind.SAVED_MEANS:
            return self._fetch_means(external_ids)
        return self._fetch(kind, external_ids, urgent=True)

    def write(self, intents: Sequence[Intent]) -> list[Outcome]:
        """Keep payers, open pages, take payments, forget means, one call each; nothing else is written to Stripe."""
        return [answered(partial(self._write, intent)) for intent in intents]

    def find(self, intents: Sequence[Intent]) -> list[Found]:
        """Look payments that we took up; of the others None.

        A page that nobody was told of can be used by nobody, a payer neither, and what is forgotten twice is forgotten.
        """
        return [self._find(intent) if isinstance(intent, TakePayment) else None for intent in intents]

    def linked(self, page_external_id: str) -> FedAccount | None:
        """Return the bank account that was linked on a page (`connectors.bank_feed.FeedsBanks`)."""
        return self._feeds.linked(page_external_id)

    def fed(self, external_id: str) -> FedAccount:
        """Return a bank account that is read for us."""
        return self._feeds.fed(external_id)

    def read_bank(self, external_id: str) -> FedAccount:
        """Have a bank account read."""
        return self._feeds.read_bank(external_id)

    def lines(self, external_id: str, *, after: str | None) -> Iterator[tuple[FedLine, ...]]:
        """Yield the lines of a bank account."""
        return self._feeds.lines(external_id, after=after)

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def _write(self, intent: Intent) -> Done:
        options: Any = {"idempotency_key": intent.key}
        match intent:
            case OpenCheckout():
                return self._open(parameters(intent), options)
            case KeepPayer():
                payer: Any = transfers.payer_parameters(intent)
                return Done((str(self._client.create(lambda sdk: sdk.v1.customers.create(payer, options))["id"]),))
            case SaveMeans():
                return self._open(saved_means.page_parameters(intent), options)
            case LinkBank():
                return self._open(bank_feed.page_parameters(intent), options)
            case TakePayment():
                return self._take(saved_means.payment_parameters(intent), options)
            case ForgetMeans():
                return self._forget(intent.means_external_id, options)
        raise Reject(f"Stripe has no place for {intent.intent}", code="unsupported_intent")

    def _open(self, asked: Any, options: Any) -> Done:  # noqa: ANN401 - as the SDK types it
        try:
            page = self._client.create(lambda sdk: sdk.v1.checkout.sessions.create(asked, options))
        except Unknown as error:  # of all that a page names only its payer can be gone
            raise Absent(str(error)) from error
        return opened(page, self._api_url)

    def _take(self, asked: Any, options: Any) -> Done:  # noqa: ANN401 - as the SDK types it
        try:
            return saved_means.taken(self._client.create(lambda sdk: sdk.v1.payment_intents.create(asked, options)))
        except Declined as declined:
            return saved_means.of_decline(declined)
        except (Absent, Fatal, NotPermitted) as error:
            raise saved_means.not_taken(error) from error

    def _forget(self, means_id: str, options: Any) -> Done:  # noqa: ANN401 - as the SDK types it
        try:
            self._client.create(lambda sdk: sdk.v1.payment_methods.detach(means_id, {}, options))
        except Absent:
            return Done((means_id,))
        except Fatal:
            # Stripe refuses to detach what nobody has any more; whether that is why, the means itself tells.
            means = self._client.one(lambda sdk: sdk.v1.payment_methods.retrieve(means_id), urgent=True)
            if means.get("customer"):
                raise
        return Done((means_id,))

    def _find(self, intent: TakePayment) -> Found:
        def look() -> Done | None:
            pages = self._client.pages(
                lambda sdk, params: sdk.v1.payment_intents.list(params), saved_means.made_since(intent), urgent=True
            )
            return saved_means.made_under(intent.key, (payment for page in pages for payment in page))

        return answered(look)

    def _fetch_means(self, external_ids: Sequence[str]) -> Page:
        """Read what was saved, by its own id or by that of the page on which it was."""
        rows: list[Row] = []
        not_shown: list[str] = []
        for external_id in dict.fromkeys(external_ids):
            try:
                found = self._setup(external_id)
            except Absent:
                not_shown.append(external_id)
                continue
            rows += [found] if found else []
        return replace(self._page(Kind.SAVED_MEANS, rows, urgent=True), not_shown=tuple(not_shown))

    def _setup(self, external_id: str) -> Row | None:
        if not external_id.startswith(saved_means.SESSION_PREFIX):
            expand: Any = {"expand": saved_means.EXPANDED}
            return self._client.one(lambda sdk: sdk.v1.setup_intents.retrieve(external_id, expand), urgent=True)
        expand = {"expand": saved_means.EXPANDED_SESSION}
        page = self._client.one(lambda sdk: sdk.v1.checkout.sessions.retrieve(external_id, expand), urgent=True)
        setup: Row | None = page.get("setup_intent")
        return setup

    def _all(self, kind: Kind) -> Iterator[list[Row]]:
        if kind is Kind.PAYOUT:
            return self._client.pages(lambda sdk, params: sdk.v1.payouts.list(params), {}, urgent=False)
        if kind is Kind.HELD_CASH:
            with_cash = {"expand": [f"data.{part}" for part in _WITH_CASH]}
            pages = self._client.pages(lambda sdk, params: sdk.v1.customers.list(params), with_cash, urgent=False)
            return ([row for row in rows if has_cash(row)] for rows in pages)
        expand = [f"data.{part}" for part in _PAYMENT_PARTS]
        return self._client.pages(
            lambda sdk, params: sdk.v1.payment_intents.list(params), {"expand": expand}, urgent=False
        )

    def _changed(self, kind: Kind, since: datetime) -> Iterator[str]:
        """Yield the ids that events since a time are about, each once."""
        seen: set[str] = set()
        asked = {"created": {"gte": int(since.timestamp())}, "types": EVENTS[kind]}
        for events in self._client.pages(lambda sdk, params: sdk.v1.events.list(params), asked, urgent=False):
            for event in events:
                about, external_id = subject_of(event)
                if about is kind and external_id not in seen:
                    seen.add(external_id)
                    yield external_id

    def _fetch(self, kind: Kind, external_ids: Iterable[str], *, urgent: bool) -> Page:
        """Read what events named. What Stripe does not know although it told of it, a replica does not show yet."""
        rows: dict[str, Row] = {}
        not_shown: list[str] = []
        for external_id in dict.fromkeys(external_ids):
            try:
                whole = self._whole(kind, external_id, urgent=urgent)
                if whole is not None and whole not in rows:
                    rows[whole] = self._one(kind, whole, urgent=urgent)
            except Absent:
                not_shown.append(external_id)
        return replace(self._page(kind, rows.values(), urgent=urgent), not_shown=tuple(not_shown))

    def _whole(self, kind: Kind, external_id: str, *, urgent: bool) -> str | None:
        """The object that an id is of: its own, or the payment of a charge, refund or dispute.

        None for what is of no payment, as a charge that was made without one. Absent when Stripe does not know it.
        """
        part_of = _PARTS.get(external_id.partition("_")[0]) if kind is Kind.PROCESSOR_PAYMENT else None
        if part_of is None:
            return external_id
        return identity(self._client.one(lambda sdk: part_of(sdk, external_id), urgent=urgent)["payment_intent"])

    def _one(self, kind: Kind, external_id: str, *, urgent: bool) -> Row:
        if kind is Kind.PAYOUT:
            return self._client.one(lambda sdk: sdk.v1.payouts.retrieve(external_id), urgent=urgent)
        if kind is Kind.HELD_CASH:
            return self._client.one(
                lambda sdk: sdk.v1.customers.retrieve(external_id, {"expand": _WITH_CASH}), urgent=urgent
            )
        return self._client.one(
            lambda sdk: sdk.v1.payment_intents.retrieve(external_id, {"expand": _PAYMENT_PARTS}), urgent=urgent
        )

    def _page(self, kind: Kind, rows: Iterable[Row], *, urgent: bool) -> Page:
        read = self._readers[kind]
        records: list[Record] = []
        problems: list[Problem] = []
        for row in rows:
            try:
                record = read(row, urgent=urgent)
            except (KeyError, TypeError, ValueError) as error:
                problems.append(_unreadable(kind, row, error))
                continue
            if record is not None:
                records.append(record)
        return Page(tuple(records), tuple(problems))

    def _payment(self, intent: Row, *, urgent: bool) -> Record | None:
        disputes: list[Row] = []
        if is_disputed(intent):
            asked = {"payment_intent": intent["id"]}
            pages = self._client.pages(lambda sdk, params: sdk.v1.disputes.list(params), asked, urgent=urgent)
            disputes = [dispute for page in pages for dispute in page]
        return payment_of(intent, disputes, self._clock())

    def _payout(self, payout: Row, *, urgent: bool) -> Record:
        if not payout["automatic"] or payout["reconciliation_status"] != "completed":
            return payout_of(payout, None)
        asked = {"payout": payout["id"], "expand": ["data.source"]}
        pages = self._client.pages(lambda sdk, params: sdk.v1.balance_transactions.list(params), asked, urgent=urgent)
        return payout_of(payout, [row for page in pages for row in page])

    def _means(self, setup: Row, *, urgent: bool) -> Record | None:
        del urgent  # nothing more is read of it
        return saved_means.means_of(setup)

    def _held_cash(self, customer: Row, *, urgent: bool) -> Record | None:
        """Read a customer's cash with its newest movements: a payment that is filled in part waits for days at most."""
        if customer.get("deleted"):
            return None  # nobody can be deleted whose cash is kept
        asked = {"expand": EXPANDED}
        movements = self._client.pages(
            lambda sdk, params: sdk.v1.customers.cash_balance_transactions.list(customer["id"], params),
            asked,
            urgent=urgent,
        )
        return held_cash_of(customer, next(movements))


def _batches(ids: Iterator[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for external_id in ids:
        batch.append(external_id)
        if len(batch) == PAGE_SIZE:
            yield batch
            batch = []
    if batch:
        yield batch


def _unreadable(kind: Kind, row: Row, error: Exception) -> Problem:
    return Problem(
        code="unreadable_record",
        text=f"Stripe {kind.value.replace('_', ' ')} {row.get('id')} cannot be read: {error}",
        remedy="Look at it in the Stripe Dashboard and record its money by hand; tell us what is unusual about it.",
        subject=str(row.get("id") or ""),
    )
