"""Measures the facts of the cases on the stand-ins' books, the captured mails and what the product says.

A case states facts as `{fact: {of what: value}}`; each fact has one measure below, so expected and actual compare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.capture import CapturedMail
from sandbox.world.books import Books
from sandbox.world.cases import text
from sandbox.world.model import Case, Customer, Organisation, TrueInvoice
from sandbox.world.score import is_reminder, mentions

ProductStates = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Evidence:
    """Everything a measure may look at. `reminded` holds the numbers that some reminder names."""

    organisation: Organisation
    books: Books
    reminded: frozenset[str]
    states: ProductStates | None

    def invoice(self, number: str) -> TrueInvoice:
        """The invoice of a number."""
        return self.organisation.invoices[number]

    def customer(self, name: str) -> Customer:
        """The customer of a name."""
        return next(c for c in self.organisation.customers.values() if c.name == name)

    def holds(self, number: str) -> list[str]:
        """The hold codes that the product states for an invoice."""
        return list((self.states or {}).get(number, {}).get("holds", []))


Measure = Callable[[Evidence, str, Any], Any]


def _crm_balance(evidence: Evidence, number: str, _: Any) -> str | None:  # noqa: ANN401 - any expected value
    balance = evidence.books.crm.balance(evidence.invoice(number))
    return None if balance is None else text(balance)


def _settled_or_held(evidence: Evidence, number: str, _: Any) -> bool:  # noqa: ANN401
    return evidence.books.ledger.balance(evidence.invoice(number)) == 0 or bool(evidence.holds(number))


def _unapplied_at_most(evidence: Evidence, name: str, most: Any) -> str:  # noqa: ANN401
    unapplied = evidence.books.ledger.unapplied(evidence.customer(name))
    return most if unapplied <= Decimal(most) else text(unapplied)


def _fees_accounted(evidence: Evidence, fees: str, _: Any) -> bool:  # noqa: ANN401
    wanted, posted = [Decimal(fee) for fee in fees.split("+")], evidence.books.ledger.fee_postings()
    return sum(wanted, Decimal(0)) in posted or all(fee in posted for fee in wanted)


def _product_holds(evidence: Evidence, number: str, wanted: Any) -> dict[str, bool]:  # noqa: ANN401
    return {code: code in evidence.holds(number) for code in wanted}


MEASURES: dict[str, Measure] = {
    "ledger_balance": lambda e, number, _: text(e.books.ledger.balance(e.invoice(number))),
    "ledger_payments": lambda e, number, _: [text(a) for a in e.books.ledger.payments(e.invoice(number))],
    "ledger_due": lambda e, number, _: e.books.ledger.due_on(e.invoice(number)).isoformat(),
    "ledger_email": lambda e, name, _: e.books.ledger.email(e.customer(name)),
    "crm_balance": _crm_balance,
    "crm_due": lambda e, number, _: e.books.crm.due_on(e.invoice(number)),
    "reminded": lambda e, number, _: number in e.reminded,
    "unapplied": lambda e, name, _: text(e.books.ledger.unapplied(e.customer(name))),
    "unapplied_at_most": _unapplied_at_most,
    "fee_postings": lambda e, amount, _: e.books.ledger.fee_postings().count(Decimal(amount)),
    "fees_accounted": _fees_accounted,
    "settled_or_held": _settled_or_held,
    "product_held": lambda e, number, _: bool(e.holds(number)),
    "product_holds": _product_holds,
}
NEEDS_PRODUCT = frozenset({"product_held", "product_holds", "settled_or_held"})


def check(
    organisations: Mapping[str, Organisation],
    books: Mapping[str, Books],
    mails: Iterable[CapturedMail],
    states: Mapping[str, ProductStates] | None,
) -> dict[str, dict[str, Any]]:
    """Return `{case key: {expected, actual, ok}}`; facts that need the product's word are left out without `states`."""
    reminders = [mail for mail in mails if is_reminder(mail)]
    results: dict[str, dict[str, Any]] = {}
    for key, organisation in organisations.items():
        named = [
            invoice.number
            for mail in reminders
            for addressed, invoice, _ in mentions(organisations, mail)
            if addressed is organisation
        ]
        of_organisation = None if states is None else states.get(key, {})
        evidence = Evidence(organisation, books[key], frozenset(named), of_organisation)
        results |= {case.key: _result(case, evidence) for case in organisation.cases}
    return results


def _result(case: Case, evidence: Evidence) -> dict[str, Any]:
    expected = {
        fact: wanted
        for fact, wanted in case.expected.items()
        if evidence.states is not None or fact not in NEEDS_PRODUCT
    }
    actual = {
        fact: {what: MEASURES[fact](evidence, what, value) for what, value in wanted.items()}
        for fact, wanted in expected.items()
    }
    return {"description": case.description, "expected": expected, "actual": actual, "ok": actual == expected}
