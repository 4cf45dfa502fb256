"""Match waiting receipts to open items: apply what is proof, ask a person about the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from receivables.allocation import Decision, Proposal
from receivables.discount import DiscountOffer, cash_alone
from receivables.money import Money
from receivables.receipt import LIVING, Receipt, ReceiptStatus
from reconcile.calibrate import Case, History
from reconcile.candidates import OpenItemIndex
from reconcile.holds import MAX_HELD_ITEMS, plausible_items
from reconcile.match import propose_with_evidence
from runtime.app import App
from runtime.kept_indexes import KeptIndex, KeptIndexes
from runtime.operations.applying.apply import HYPOTHESIS, apply_hypothesis, promise_missing_postings
from runtime.operations.discounts.follow import await_approval
from runtime.operations.discounts.offers import standing_offers
from runtime.operations.errors import RefusedError
from runtime.operations.matching.booked_late import booked_late, why_it_waits
from runtime.operations.matching.experience import Word, count_cases, keep_word
from runtime.operations.matching.held_cash import as_receipt, hold_for, recognise_cash
from runtime.operations.matching.in_question import hold_what_became_known
from runtime.operations.matching.known_payers import learn_payers
from runtime.operations.matching.payouts import promise_missing_payouts
from runtime.operations.matching.recognise import AWAITED, awaits_ledger, recognise_receipts
from runtime.operations.matching.refusals import refused_items
from runtime.operations.matching.returns import follow_debits
from runtime.operations.reminding.withdraw import withdraw_reminders
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.rows import chunks, upsert

MAX_RECEIPTS = 2_000  # considered in one unit of work; more that is new follows in the next
WAITING = ("new", "suggested", "unidentified")


@dataclass
class _Matching:
    """One run over an organisation: the unit of work, what is open in it, who is known, what was proposed, and when."""

    db: Connection
    organisation_id: str
    kept: KeptIndex
    history: History
    proposed: Mapping[str, dict[str, Any]]  # what stands, by receipt
    now: datetime
    offers: Mapping[str, DiscountOffer] = field(default_factory=dict)  # discounts that payers were told of, by item
    cases: dict[str, Case | None] = field(default_factory=dict)  # of what was proposed, by receipt

    @property
    def index(self) -> OpenItemIndex:
        """What is open."""
        return self.kept.index

    @cached_property
    def today(self) -> date:
        """The organisation's own day."""
        return self.now.astimezone(connections.zone_of(self.db, self.organisation_id)).date()

    def propose(self, receipts: Sequence[Receipt]) -> list[Proposal]:
        """Propose for a batch of receipts that compete for the same items."""
        outcomes = propose_with_evidence(index=self.index, receipts=receipts, history=self.history, as_of=self.today)
        self.cases.update((outcome.proposal.receipt_id, outcome.case) for outcome in outcomes)
        return [outcome.proposal for outcome in outcomes]


def match_receipts(app: App, organisation_id: str) -> Counter[str]:
    """Decide about every receipt that waits. Returns how many went each way."""
    try:
        return _match_receipts(app, organisation_id)
    except BaseException:
        app.indexes.forget(organisation_id)  # it may know of what was rolled back
        raise


def _match_receipts(app: App, organisation_id: str) -> Counter[str]:
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        outcome = recognise_receipts(db, organisation_id, now)
        outcome["postings_promised"] += promise_missing_postings(db, organisation_id, now)
        outcome["payouts_promised"] += promise_missing_payouts(db, organisation_id, now)
        outcome.update(_match_waiting(app.indexes, db, organisation_id, now))
        hold_what_became_known(db, organisation_id, now)
        # Last, so that a payment which went back at once ends as one that went back later.
        outcome.update(follow_debits(db, organisation_id, now))
    return outcome


def _match_waiting(indexes: KeptIndexes, db: Connection, organisation_id: str, now: datetime) -> Counter[str]:
    outcome: Counter[str] = Counter()
    rows = {row["id"]: row for row in _waiting(db, organisation_id)}
    cash = recognise_cash(db, organisation_id, now)
    if not rows and not cash:
        return outcome
    kept = indexes.up_to_date(db, organisation_id, now)
    payers = [(row["payer_account"], row["payer_name"]) for row in rows.values()]
    payers += [(each.payer_account, each.payer_name) for each in map(as_receipt, cash)]
    offers = standing_offers(db, organisation_id)
    kept.index.offer_discounts(offers)
    run = _Matching(
        db,
        organisation_id,
        kept,
        _history(db, organisation_id, payers, now),
        _proposed(db, organisation_id, rows),
        now,
        offers,
    )
    refused = refused_items(db, organisation_id, rows)
    receipts = [_receipt(row, run.index, tuple(refused.get(row["id"], ()))) for row in rows.values()]
    arrived = [receipt for receipt in receipts if receipt.status is ReceiptStatus.RECEIVED]
    is_awaited = awaits_ledger(db, organisation_id)
    for receipt, proposal in zip(arrived, run.propose(arrived), strict=True):
        row = rows[receipt.receipt_id]
        if is_awaited(row):
            _await_ledger(run, row, receipt, proposal)
        elif row["state"] in (*WAITING, AWAITED):
            outcome[_act(run, row, receipt, proposal)] += 1
        else:
            _hold_plausible(run, row, receipt, proposal)
    for receipt in receipts:
        if receipt.status is ReceiptStatus.IN_FLIGHT:
            _hold_in_flight(run, rows[receipt.receipt_id], receipt)
            outcome["in_flight"] += 1
    for row in cash:
        _hold_cash(run, row)
        outcome["cash_unknown"] += 1
    return outcome


_WAITING = (
    select(t.receipt)
    .where(
        t.receipt.c.organisation_id == bindparam("organisation_id"),
        t.receipt.c.state.in_((*WAITING, AWAITED, "coded", "in_flight")),
        t.receipt.c.status.in_(LIVING),
    )
    # New money first, then the latest: what waits for a person, however much it is, keeps nobody's payment from
    # being matched, nor a payment from the invoice that is read after it.
    .order_by(t.receipt.c.state != "new", t.receipt.c.received_on.desc(), t.receipt.c.id)
    .limit(MAX_RECEIPTS)
)
_PROPOSED = select(t.proposal).where(
    t.proposal.c.organisation_id == bindparam("organisation_id"),
    t.proposal.c.receipt_id.in_(bindparam("ids", expanding=True)),
)


def _waiting(db: Connection, organisation_id: str) -> list[dict[str, Any]]:
    """Receipts to decide about: also those that a person was asked about (the items may have changed since)."""
    rows = (dict(row._mapping) for row in db.execute(_WAITING, {"organisation_id": organisation_id}))
    return sorted(rows, key=lambda row: (row["state"] != "new", row["received_on"], row["id"]))


def _proposed(db: Connection, organisation_id: str, receipt_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    rows = [
        row
        for ids in chunks(sorted(receipt_ids))
        for row in db.execute(_PROPOSED, {"organisation_id": organisation_id, "ids": list(ids)})
    ]
    return {row.receipt_id: dict(row._mapping) for row in rows}


def _history(db: Connection, organisation_id: str, payers: Sequence[tuple[str, str]], now: datetime) -> History:
    """Return what became of past matches, and for whom these payers (account, name) paid before."""
    history = History()
    count_cases(db, organisation_id, history, now)
    learn_payers(db, organisation_id, history, payers)
    return history


def _receipt(row: dict[str, Any], index: OpenItemIndex, refused: tuple[frozenset[str], ...]) -> Receipt:
    """Turn a row into a receipt, with the items that a trusted system named.

    Whose money it is, as the row says, is our own guess of the run before: taken for knowledge it would prove itself.
    """
    named = [item_id for item_id in row["hints"].get("item_ids", []) if item_id in index]
    for number in row["hints"].get("numbers", []):
        exact = [item.item_id for item in index.named(number)]
        named += exact if len(exact) == 1 else []
    return Receipt(
        receipt_id=row["id"],
        received_on=row["received_on"],
        amount=Money(row["amount_minor"], row["currency"]),
        payer_name=row["payer_name"],
        payer_account=row["payer_account"],
        remittance=row["remittance"],
        fee=None if row["fee_minor"] is None else Money(row["fee_minor"], row["currency"]),
        item_hints=tuple(each for each in dict.fromkeys(named) if frozenset({each}) not in refused),
        status=ReceiptStatus(row["status"]),
        made_at=row["begun_at"],
        refused=refused,
    )


def _act(run: _Matching, row: dict[str, Any], receipt: Receipt, proposal: Proposal) -> str:
    if _is_answered(receipt, proposal):
        _set_state(run, row, "unidentified", proposal.customer_id)
        _hold_plausible(run, row, receipt, proposal, state="rejected")
        return "refused"
    # How much of a payment refunded in part pays what, only a person can say.
    is_sure = proposal.decision is Decision.APPLY and not row["refunded_minor"]
    booked = booked_late(run.db, row, [each.item_id for each in proposal.best.allocations]) if is_sure else ""
    if is_sure and not booked and _apply(run, row, receipt, proposal):
        return "applied"
    if booked:
        proposal = replace(proposal, reasons=(*proposal.reasons, why_it_waits(booked)))
    state = "unidentified" if proposal.decision is Decision.NONE else "suggested"
    _set_state(run, row, state, proposal.customer_id)
    _hold_plausible(run, row, receipt, proposal)
    return state


def _is_answered(receipt: Receipt, proposal: Proposal) -> bool:
    """Whether a person who refused something need not be asked again: nothing is left, or just this was refused."""
    if not receipt.refused or proposal.best.allocations:
        return False
    return proposal.decision is Decision.NONE or frozenset(proposal.foreign) in receipt.refused


def _set_state(run: _Matching, row: dict[str, Any], state: str, customer_id: str | None) -> None:
    if row["state"] == state and row["customer_id"] == customer_id:
        return
    run.db.execute(
        update(t.receipt)
        .where(t.receipt.c.id == row["id"])
        .values(state=state, customer_id=customer_id, changed_at=run.now)
    )


def _apply(run: _Matching, row: dict[str, Any], receipt: Receipt, proposal: Proposal) -> bool:
    """Apply what is proof; False when it cannot be posted (yet): then a person is asked.

    Of a discount that was offered and kept only the cash is applied: whether it is granted, a person says. One that
    nobody offered, or that comes too late, is a short payment, and a person is asked about all of it.
    """
    split = cash_alone(proposal.best, offers=run.offers, receipt=receipt)
    if split is None:
        return False
    best, taken = split
    if taken:
        waits = "The discount that was offered waits for a person's approval; the rest is applied."
        proposal = replace(proposal, best=best, reasons=(*proposal.reasons, waits))
    try:
        apply_hypothesis(
            run.db,
            receipt=row,
            hypothesis=proposal.best,
            customer_id=proposal.customer_id,
            actor="matching",
            at=run.now,
        )
    except RefusedError:
        return False
    await_approval(run.db, run.organisation_id, taken, receipt_id=row["id"], paid_on=receipt.received_on, at=run.now)
    _keep_proposal(run, row, proposal, held=(), state="applied")
    keep_word(run.db, run.organisation_id, row["id"], Word.APPLIED, actor="matching", at=run.now)
    for allocation in proposal.best.allocations:
        _lower(run.kept, allocation.item_id, allocation.amount)
    return True


def _lower(kept: KeptIndex, item_id: str, amount: Money) -> None:
    """Take what was just applied off the index, for the receipts that follow in the same run."""
    index = kept.index
    item = index.get(item_id)
    if item is None:
        return
    kept.doubt(item_id)
    if item.open_amount == amount:
        index.remove(item_id)
    else:
        index.update(replace(item, open_amount=item.open_amount - amount))


def _await_ledger(run: _Matching, row: dict[str, Any], receipt: Receipt, proposal: Proposal) -> None:
    """Hold what a payment may pay until the ledger has shown whether another app books it."""
    if row["state"] != AWAITED:
        # Its own change stays the instant it arrived: the waiting counts from there.
        run.db.execute(update(t.receipt).where(t.receipt.c.id == row["id"]).values(state=AWAITED))
        row["state"] = AWAITED
    _hold_plausible(run, row, receipt, proposal)


def _hold_plausible(
    run: _Matching,
    row: dict[str, Any],
    receipt: Receipt,
    proposal: Proposal,
    *,
    state: str = "",
) -> None:
    """Keep a proposal and hold what it may pay: not what a person said it does not, unless it is of another set."""
    # Money that is proof and still not applied (coded to income, or not postable) holds its items as well.
    asked = replace(proposal, decision=Decision.SUGGEST) if proposal.decision is Decision.APPLY else proposal
    limit = max(MAX_HELD_ITEMS, len(asked.best.allocations))
    plausible = plausible_items(proposal=asked, receipt=receipt, index=run.index, history=run.history, limit=limit)
    named = {allocation.item_id for allocation in asked.best.allocations}
    free = frozenset().union(*receipt.refused) - named
    held = [item_id for item_id in plausible if item_id not in free]
    state = state or ("pending" if row["state"] in WAITING else "held")
    if _keep_proposal(run, row, asked, held=held, state=state):
        why = f"{receipt.amount} received on {receipt.received_on} may pay it"
        withdraw_reminders(run.db, organisation_id=run.organisation_id, document_ids=held, why=why, at=run.now)


def _hold_cash(run: _Matching, row: dict[str, Any]) -> None:
    """Hold what cash that is kept for an unknown payer would pay, however sure that is: it pays nothing by itself."""
    receipt = as_receipt(row)
    (proposal,) = run.propose([receipt])
    asked = replace(proposal, decision=Decision.SUGGEST) if proposal.decision is Decision.APPLY else proposal
    hold_for(
        run.db, row, plausible_items(proposal=asked, receipt=receipt, index=run.index, history=run.history), run.now
    )


def _hold_in_flight(run: _Matching, row: dict[str, Any], receipt: Receipt) -> None:
    """Find what money on its way would pay if it arrived, and hold just that."""
    (proposal,) = run.propose([replace(receipt, status=ReceiptStatus.RECEIVED)])
    held = tuple(allocation.item_id for allocation in proposal.best.allocations)
    is_new = _keep_proposal(run, row, proposal, held=held, state="in_flight")
    if row["state"] != "in_flight":
        run.db.execute(update(t.receipt).where(t.receipt.c.id == row["id"]).values(state="in_flight"))
    if is_new:
        why = f"a payment of {receipt.amount} is on its way"
        withdraw_reminders(run.db, organisation_id=run.organisation_id, document_ids=held, why=why, at=run.now)


def _keep_proposal(run: _Matching, row: dict[str, Any], proposal: Proposal, *, held: Sequence[str], state: str) -> bool:
    """Store the newest proposal of a receipt and the items that it holds meanwhile; return whether it says what is new.

    What waits for a person is proposed again at every run; what still stands has withdrawn its reminders already.
    """
    runner_up, case = proposal.runner_up, run.cases.get(row["id"])
    kept = {
        "receipt_id": row["id"],
        "organisation_id": run.organisation_id,
        "decision": proposal.decision.value,
        "state": state,
        "body": {
            "best": HYPOTHESIS.dump_python(proposal.best, mode="json"),
            "runner_up": None if runner_up is None else HYPOTHESIS.dump_python(runner_up, mode="json"),
            "reasons": list(proposal.reasons),
            "customer_id": proposal.customer_id,
            "foreign": list(proposal.foreign),
            "case": None if case is None else asdict(case),
        },
        "plausible": list(held),
    }
    standing = run.proposed.get(row["id"], {})
    if all(name in standing and standing[name] == value for name, value in kept.items()):
        return False
    upsert(run.db, t.proposal, [kept | {"proposed_at": run.now}], keys=["receipt_id"])
    return True
