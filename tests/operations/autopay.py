"""A firm whose customer Acme pays by itself, for the tests of autopay."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from receivables.money import Money
from reminders.autopay import Terms
from runtime.operations.autopay.agree import begin_autopay, switch_autopay
from runtime.operations.reminding.remind import remind_organisation
from runtime.operations.work import work
from runtime.store import tables as t
from tests.operations.firm import CURRENCY, Firm

BACK_TO = "http://127.0.0.1:8000/p/token/autopay"
CONSENT = "I allow it."
TERMS = Terms(CURRENCY, None, 0)


def acme(firm: Firm) -> str:
    return str(next(row.id for row in firm.rows(t.customer) if row.name == "Acme"))


def begin(firm: Firm, terms: Terms = TERMS, customer: str = "", **other: Any) -> str:  # noqa: ANN401 - arguments
    usual: dict[str, Any] = {"consent": CONSENT, "consent_version": 1, "language": "en", "actor": "customer"}
    return begin_autopay(
        firm.app,
        organisation_id=firm.id,
        customer_id=customer or acme(firm),
        terms=terms,
        back_to=BACK_TO,
        **(usual | other),
    )


def save(firm: Firm, *, method: str = "card") -> str:
    """Save a means on the page that was opened last, as its payer does; the processor's id of it."""
    session = list(firm.stripe.checkout_sessions)[-1]
    means = firm.stripe.complete_setup(session, method=method)
    hear(firm)
    return means


def hear(firm: Firm) -> None:
    firm.deliver_webhooks()
    firm.work()


def switch_on(firm: Firm, terms: Terms = TERMS, *, method: str = "card") -> str:
    """Let Acme pay by itself from now on; the processor's id of the means."""
    firm.switch_sending()
    switch_autopay(firm.app, organisation_id=firm.id, on=True, actor="owner")
    begin(firm, terms)
    return save(firm, method=method)


def remind(firm: Firm) -> None:
    """What the worker does every quarter of an hour: plan and send, then write what was promised."""
    remind_organisation(firm.app, firm.id)
    work(firm.app)


def go_on(firm: Firm, days: int) -> None:
    """Live so many days as the worker does, a look in the morning of each."""
    for _ in range(days):
        hear(firm)  # Stripe's signatures hold for five minutes
        firm.time.advance(days=1)
        firm.settle()
        remind(firm)
        hear(firm)
        firm.settle()


def states(firm: Firm, number: str = "INV-1001") -> list[str]:
    document_id = firm.document(number).id
    rows = [row for row in firm.rows(t.automatic_payment) if row.document_id == document_id]
    return [row.state for row in sorted(rows, key=lambda row: row.attempt)]


def payment(firm: Firm, number: str = "INV-1001") -> Any:  # noqa: ANN401 - a row
    document_id = firm.document(number).id
    rows = [row for row in firm.rows(t.automatic_payment) if row.document_id == document_id]
    return max(rows, key=lambda row: row.attempt)


def mandate(firm: Firm) -> Any:  # noqa: ANN401 - a row
    return max(firm.rows(t.mandate), key=lambda row: (row.agreed_at, row.id))


def mails(firm: Firm, to: str = "acme@example.com") -> list[str]:
    return [mail.text for mail in firm.mailbox.mails if mail.recipients == (to,)]


def taken(firm: Firm) -> list[tuple[int, str]]:
    """What was really asked for at the processor: amount and state of each payment."""
    return sorted((each["amount"], each["status"]) for each in firm.stripe.payment_intents.values())


def gbp(minor: int) -> Money:
    return Money(minor, CURRENCY)


DAY = timedelta(days=1)
