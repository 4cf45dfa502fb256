"""Who paid for whom before, learned from what stands: kept however old, of groups, and not of those who pay for all."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from receivables.money import Money
from receivables.receipt import Receipt
from reconcile.calibrate import History
from runtime.operations.bank_files.import_statement import import_statement
from runtime.operations.matching.decide import confirm, undo
from runtime.operations.matching.known_payers import learn_payers
from runtime.operations.matching.match import match_receipts
from runtime.store import tables as t
from sandbox.world.statement import Line
from tests.operations.firm import CURRENCY, TODAY, statement
from tests.operations.test_experience import NOW, OTHERS, OURS, Office, _cents, _number, office

__all__ = ["office"]
PAYER, ACCOUNT = "ZENTRALE KASSE", "DE99 1234 0000"


def pays(office: Office, customers: Sequence[int], *, less: int = 0, payer: str = PAYER) -> list[str]:
    """Money from one account for the first invoice of each customer, matched and confirmed where it waits."""
    lines = [
        Line(TODAY, Decimal(_cents(at, 1) - less) / 100, payer, ACCOUNT, _number(at, 1), f"Z{at}") for at in customers
    ]
    import_statement(office.app, organisation_id=OURS, name=f"{customers}.xml", content=statement(*lines))
    match_receipts(office.app, OURS)
    with office.app.store.read() as db:
        amounts = [_cents(at, 1) - less for at in customers]
        return list(db.scalars(select(t.receipt.c.id).where(t.receipt.c.amount_minor.in_(amounts))))


def confirmed(office: Office, customers: Sequence[int]) -> list[str]:
    ids = pays(office, customers)
    for receipt_id in ids:
        if office.state(receipt_id) != "applied":
            confirm(office.app, organisation_id=OURS, receipt_id=receipt_id, actor="ann")
    return ids


def known(office: Office, *, account: str = ACCOUNT, organisation_id: str = OURS) -> tuple[dict[str, float], ...]:
    history = History()
    with office.app.store.read() as db:
        learn_payers(db, organisation_id, history, [(account, PAYER)])
    return history.customers_of(Receipt("R", NOW.date(), Money(1, CURRENCY), payer_name=PAYER, payer_account=account))


def test_what_stands_applied_is_known_by_account_and_name_and_what_is_undone_is_not(office: Office) -> None:
    office.customers(OURS, 5)
    (receipt_id,) = confirmed(office, [0])
    assert known(office) == ({"ours-0": 1.0}, {"ours-0": 1.0})
    assert known(office, account="de9912340000") == ({"ours-0": 1.0}, {"ours-0": 1.0}), "however it is written"
    assert known(office, account="DE98") == ({}, {"ours-0": 1.0})
    assert known(office, organisation_id=OTHERS) == ({}, {})
    undo(office.app, organisation_id=OURS, receipt_id=receipt_id, actor="ann")
    assert known(office) == ({}, {})


def test_what_a_person_booked_in_the_ledger_is_known(office: Office) -> None:
    office.customers(OURS, 5)
    (receipt_id,) = pays(office, [0], less=5_000)
    with office.app.store.write() as db:
        db.execute(update(t.receipt).where(t.receipt.c.id == receipt_id).values(state="recorded"))
        row = {"id": "pay", "organisation_id": OURS, "external_id": "P", "customer_id": "ours-3", "received_on": TODAY}
        row |= {
            "currency": CURRENCY,
            "amount_minor": 1,
            "unapplied_minor": 0,
            "reference": "",
            "lines": [],
            "coded": False,
        }
        db.execute(
            t.ledger_payment.insert().values(payer_name="", deleted=False, receipt_id=receipt_id, read_at=NOW, **row)
        )
    assert known(office) == ({"ours-3": 1.0}, {"ours-3": 1.0})


def test_who_pays_for_the_children_of_a_parent_is_known_as_the_parent(office: Office) -> None:
    office.customers(OURS, 6)
    with office.app.store.write() as db:
        children = t.customer.c.id.in_(["ours-1", "ours-2", "ours-3"])
        db.execute(update(t.customer).where(children).values(parent_id="ours-0"))
    confirmed(office, [1])
    assert known(office)[0] == {"ours-1": 1.0}, "it may be the child's own account"
    confirmed(office, [2])
    assert known(office)[0] == {"ours-0": 1.0}


def test_who_pays_for_many_unrelated_customers_is_nobody(office: Office) -> None:
    office.customers(OURS, 8)
    confirmed(office, [0, 1, 2])
    assert known(office)[0] == pytest.approx({"ours-0": 1 / 3, "ours-1": 1 / 3, "ours-2": 1 / 3})
    confirmed(office, [3])
    assert known(office) == ({}, {})


def test_our_own_guess_whose_money_it_is_proves_nothing_at_the_next_look(office: Office) -> None:
    office.customers(OURS, 30)
    (receipt_id,) = pays(office, [0], less=50)
    assert office.state(receipt_id) == "suggested"
    match_receipts(office.app, OURS)
    assert office.state(receipt_id) == "suggested"
