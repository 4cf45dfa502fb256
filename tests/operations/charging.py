"""A firm that charges for late payment, and what a person sees and does there."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from runtime.operations.charges.decide import Shown, approve_charge
from runtime.operations.charges.propose import Proposed, propose_charges
from runtime.operations.charges.terms import charge_terms, set_rate, switch_charges
from runtime.operations.systems.treatments import LATE_CHARGE, set_treatment
from runtime.store import connections
from runtime.store import tables as t
from tests.operations.copied import synced
from tests.operations.firm import TODAY, Firm, QuickBooksLedger, XeroLedger

NUMBER = "INV-3001"


def charging(firm: Firm) -> Firm:
    """Let a firm charge Quay Ltd, which owes 1,000.00 and is ten days late."""
    synced(firm)
    firm.customers["Quay Ltd"] = firm.ledger.customer("Quay Ltd", "quay@example.com")
    firm.crm.create("Account", Name="Quay Ltd", AccountNumber=firm.customers["Quay Ltd"])
    firm.invoice("Quay Ltd", NUMBER, "1000.00")
    firm.settle()
    switch_charges(firm.app, organisation_id=firm.id, on=True, actor="dana")
    set_rate(firm.app, organisation_id=firm.id, since=TODAY.replace(month=1, day=1), per_cent="3.75", actor="dana")
    book(firm)
    return firm


def book(firm: Firm, tax_code: str = "") -> None:
    (income,) = [row.handle for row in firm.rows(t.account) if row.purpose == "income"]
    set_treatment(
        firm.app, organisation_id=firm.id, kind=LATE_CHARGE, account=str(income), tax_code=tax_code, actor="dana"
    )


def proposed(firm: Firm) -> dict[str, Proposed]:
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        terms = charge_terms(db, organisation)
        found = propose_charges(db, organisation, now=firm.app.clock(), rates=terms.rates, contract=terms.contract)
    return {each.number: each for each in found}


def look(firm: Firm) -> Shown:
    ask = proposed(firm)[NUMBER].ask
    assert ask is not None
    return Shown(ask.until, ask.interest, ask.fixed)


def which(firm: Firm) -> dict[str, Any]:
    return {"organisation_id": firm.id, "document_id": firm.document(NUMBER).id, "actor": "dana"}


def approve(firm: Firm, shown: Shown | None = None) -> None:
    approve_charge(firm.app, **which(firm), shown=shown or look(firm))


def issued(firm: Firm) -> list[tuple[Decimal, bool]]:
    """The invoices of charges in the ledger: what each asks for, and whether it was sent."""
    assert isinstance(firm.ledger, XeroLedger | QuickBooksLedger)
    others = set(firm.ledger.ids.values())
    invoices = {key: each for key, each in firm.ledger.books.invoices.items() if key not in others}
    if isinstance(firm.ledger, XeroLedger):
        return [(Decimal(each["Total"]), each["SentToContact"]) for each in invoices.values()]
    return [(Decimal(each["TotalAmt"]), each["EmailStatus"] != "NeedToSend") for each in invoices.values()]
