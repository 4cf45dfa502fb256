"""A person chooses which invoices a receipt pays: proposed in the matcher's place and confirmed, as one decision."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from connectors import registry
from connectors.contract import Role
from receivables.allocation import Decision, Hypothesis
from receivables.by_hand import ChoiceError, Wish, chosen
from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from receivables.receipt import Receipt
from reminders.replies.amounts import written_amount
from runtime.app import App
from runtime.operations.applying.applications import proposed_items
from runtime.operations.applying.apply import HYPOTHESIS
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.matching.decide import confirm_proposal, receipt_of, why_it_pays_nothing
from runtime.operations.matching.experience import Word, forget_word, keep_word
from runtime.operations.matching.open_items import OpenDocument, open_documents
from runtime.operations.matching.recognise import ASKED, AWAITED
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.weighing import weigh_again

MAX_CHOSEN = 50  # invoices that one receipt is set against by hand
_INSTEAD_OF = "instead_of"  # where a choice keeps what waited before it
# Why a receipt in a state waits for nobody's choice.
_WHY_NOT = {
    "new": "this money is being matched: look again in a minute",
    AWAITED: "another app may book this money: look again in a quarter of an hour",
    "applied": "this money pays something already: take that back on the receipts page first",
    "recorded": "this money is recorded in the ledger already: change there what it pays",
    "coded": "this money is booked to an account in the ledger: remove that booking there first",
    "payout": "this is a payout of the processor: its payments are what pays invoices",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What a receipt would pay, and the customer whose it is."""

    best: Hypothesis
    customer_id: str


def choose(app: App, *, organisation_id: str, receipt_id: str, amounts: Mapping[str, str], actor: str) -> None:
    """Set a receipt against these invoices: each with the amount as it was written, empty for as much as is left.

    InputError for what is no amount; RefusedError, with nothing changed, where the receipt waits for no choice, or an
    invoice is not open for so much any more.
    """
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        receipt = receipt_of(db, organisation_id, receipt_id)
        standing = proposal_of(db, organisation_id, receipt_id)
        obstacle = why_not_chosen(receipt, standing)
        if obstacle is not None:
            raise RefusedError(obstacle)
        choice = choice_of(db, receipt, payable(db, organisation_id, amounts), amounts)
        _put_in_place(db, receipt, standing, choice, actor=actor, at=now)
        confirm_proposal(db, receipt, actor=actor, at=now)
    app.wake()


def proposal_of(db: Connection, organisation_id: str, receipt_id: str) -> dict[str, Any]:
    """Return the row of a receipt's proposal, whatever became of it; empty where there is none."""
    mine = (t.proposal.c.organisation_id == organisation_id) & (t.proposal.c.receipt_id == receipt_id)
    row = db.execute(select(t.proposal).where(mine)).first()
    return {} if row is None else dict(row._mapping)


def why_not_chosen(receipt: Mapping[str, Any], proposal: Mapping[str, Any]) -> str | None:
    """Return why a person cannot say now what a receipt pays (rows); None when they can."""
    if (nothing := why_it_pays_nothing(receipt)) is not None:
        return nothing
    if receipt["dispute"]:
        return "this money is being charged back, or was: it pays nothing before the bank has decided"
    is_asked = receipt["state"] in ASKED or (receipt["state"] == "undone" and proposal.get("state") == "pending")
    if proposal and is_asked:
        return None
    return _WHY_NOT.get(receipt["state"], "this money waits for no decision")


def payable(db: Connection, organisation_id: str, document_ids: Collection[str]) -> dict[str, OpenDocument]:
    """Return those of these documents that are invoices of the organisation and open in the ledger, by id."""
    return {
        each.document.document_id: each
        for each in open_documents(db, organisation_id, document_ids=document_ids)
        if each.document.kind is DocumentKind.INVOICE and each.document.status is DocumentStatus.OPEN
    }


def choice_of(
    db: Connection, receipt: Mapping[str, Any], invoices: Mapping[str, OpenDocument], amounts: Mapping[str, str]
) -> Choice:
    """Work out what a receipt (a row) would pay of `invoices`, by the amounts that were written.

    InputError and RefusedError as `choose` raises them.
    """
    if len(amounts) > MAX_CHOSEN:
        raise InputError(f"choose at most {MAX_CHOSEN} invoices for one receipt")
    if amounts.keys() - invoices.keys():
        raise RefusedError("an invoice that was chosen is not open any more: choose again")
    wishes = [_wish(invoices[each], text, receipt["currency"]) for each, text in amounts.items()]
    try:
        best = chosen(_money(receipt), wishes)
    except ChoiceError as error:
        raise RefusedError(str(error)) from None
    paid = [invoices[each.item_id] for each in best.allocations]
    payer = _payer(receipt, best, invoices)
    ledger = connections.connection_for_role(db, receipt["organisation_id"], Role.LEDGER)
    if ledger is not None and not all(_is_paid_by(payer, each) for each in paid):
        declared = registry.declaration(ledger.system)
        if declared.one_payer:
            raise RefusedError(f"{declared.title} books a payment for one customer: choose invoices of one")
    return Choice(best, payer)


def put_back(db: Connection, organisation_id: str, receipt_id: str, body: Mapping[str, Any], at: datetime) -> bool:
    """Let what a choice (the body of its proposal) took the place of wait again; False where it is no choice.

    Its application was reversed. The days for which the money holds what it may pay begin anew.
    """
    earlier = body.get(_INSTEAD_OF)
    if earlier is None:
        return False
    if earlier["state"] == "pending":
        forget_word(db, receipt_id, proposed_items(earlier["body"]))
    mine = (t.proposal.c.organisation_id == organisation_id) & (t.proposal.c.receipt_id == receipt_id)
    kept = {name: earlier[name] for name in ("decision", "state", "body", "plausible")}
    db.execute(update(t.proposal).where(mine).values(**kept))
    receipt = (t.receipt.c.organisation_id == organisation_id) & (t.receipt.c.id == receipt_id)
    values = {"state": earlier["receipt_state"], "noticed_at": at, "changed_at": at}
    db.execute(update(t.receipt).where(receipt).values(**values))
    weigh_again(db, organisation_id, document_ids=earlier["plausible"])
    return True


def _put_in_place(
    db: Connection,
    receipt: Mapping[str, Any],
    standing: Mapping[str, Any],
    choice: Choice,
    *,
    actor: str,
    at: datetime,
) -> None:
    """Let the choice wait in the place of what was proposed.

    Whoever chooses just the proposed items confirms them; whoever chooses others has said that these were wrong.
    """
    organisation_id, body = receipt["organisation_id"], standing["body"]
    is_same = set(proposed_items(body)) == {each.item_id for each in choice.best.allocations}
    if not is_same and standing["state"] == "pending":
        keep_word(db, organisation_id, receipt["id"], Word.REJECTED, actor=actor, at=at)
    before = {name: standing[name] for name in ("decision", "state", "plausible")}
    before["body"] = {name: value for name, value in body.items() if name != _INSTEAD_OF}
    chosen_body = {
        "best": HYPOTHESIS.dump_python(choice.best, mode="json"),
        "runner_up": None,
        "reasons": [f"Chosen by {actor}."],
        "customer_id": choice.customer_id,
        "foreign": [],
        "case": body.get("case") if is_same else None,
        _INSTEAD_OF: before | {"receipt_state": receipt["state"]},
    }
    mine = (t.proposal.c.organisation_id == organisation_id) & (t.proposal.c.receipt_id == receipt["id"])
    values = {"decision": Decision.SUGGEST.value, "state": "pending", "body": chosen_body, "proposed_at": at}
    db.execute(update(t.proposal).where(mine).values(**values))


def _wish(invoice: OpenDocument, text: str, currency: str) -> Wish:
    number = invoice.document.number
    amount = written_amount(text, currency=currency) if text else None
    if text and amount is None:
        raise InputError(f"{number}: write the amount in numbers, such as 120.50")
    return Wish(invoice.document.document_id, number, invoice.open_amount, amount)


def _money(row: Mapping[str, Any]) -> Receipt:
    currency = row["currency"]
    fee = None if row["fee_minor"] is None else Money(row["fee_minor"], currency)
    return Receipt(row["id"], row["received_on"], Money(row["amount_minor"], currency), fee=fee)


def _payer(receipt: Mapping[str, Any], best: Hypothesis, invoices: Mapping[str, OpenDocument]) -> str:
    """Whose money it is: of the one customer of all the invoices, else of who is taken for the payer and has one.

    Else of the parent of all the customers, or of whose invoice it pays most: the choice counts for more than a guess.
    """
    guessed = receipt["customer_id"]
    paid = [invoices[each.item_id] for each in best.allocations]
    owners = {each.document.customer_id for each in paid}
    if len(owners) == 1:
        return owners.pop()
    if guessed and any(_is_paid_by(guessed, each) for each in paid):
        return str(guessed)
    groups = {each.parent_id or each.document.customer_id for each in paid}
    if len(groups) == 1:
        return groups.pop()
    return invoices[max(best.allocations, key=lambda each: each.amount).item_id].document.customer_id


def _is_paid_by(customer_id: str, invoice: OpenDocument) -> bool:
    """Whether an invoice is a customer's own or their child's."""
    return customer_id in (invoice.document.customer_id, invoice.parent_id)
