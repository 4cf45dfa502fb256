"""The world in the stand-ins: written truly, lived in, and judged."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from sandbox.capture import CapturedMail
from sandbox.quickbooks import QuickBooksStandIn
from sandbox.salesforce import SalesforceStandIn
from sandbox.stripe import StripeStandIn
from sandbox.world import DEMO_START, Organisation, TrueInvoice, TrueReceipt, World, build_world
from sandbox.world.quickbooks_books import QuickBooksLedger
from sandbox.world.xero_books import BANK, BANK_FEES, CLEARING, XeroLedger
from sandbox.xero import XeroStandIn
from sandbox.xero.bank import plan_transaction

TODAY = DEMO_START.date()
LATER = "2026-12-08"


def _clock() -> datetime:
    return DEMO_START


@pytest.fixture
def world() -> World:
    made = build_world(clock=_clock)
    made.seed_into(
        xero=XeroStandIn(clock=_clock, client_id="app", client_secret="kept", webhook_key="key"),
        quickbooks=QuickBooksStandIn(clock=_clock, client_id="app", client_secret="kept", verifier_token="token"),
        salesforce=SalesforceStandIn(clock=_clock, client_id="app", client_secret="kept"),
        stripe=StripeStandIn(clock=_clock, client_id="app", client_secret="kept", webhook_secret="whsec"),
    )
    return made


def test_the_books_show_what_the_plan_says(world: World) -> None:
    for organisation in world.organisations.values():
        books = world.books[organisation.key]
        for invoice in organisation.invoices.values():
            if invoice.role != "draft":
                assert books.ledger.balance(invoice) == invoice.ledger_open, invoice
            assert books.ledger.due_on(invoice) == invoice.due_on
        accounts = books.crm.org.records["Account"].values()
        assert len(accounts) == len(organisation.customers)
        by_name = {a["Name"]: a for a in accounts}
        for customer in organisation.customers.values():
            account = by_name[customer.name]
            wanted = customer.number if organisation.system == "xero" else customer.ledger_id
            assert account["AccountNumber"] == (wanted if customer.crm_by_number else None)
            parent = organisation.customers[customer.parent].crm_account_id if customer.parent else None
            assert account["ParentId"] == parent


def test_the_payout_is_what_the_bank_shows(world: World) -> None:
    for organisation in world.organisations.values():
        (payout,) = world.books[organisation.key].processor.account.payouts.values()
        lines = [line for statement in organisation.statements for line in statement.lines]
        (line,) = [line for line in lines if "STRIPE" in line.counterparty]
        assert line.amount == Decimal(payout["amount"]).scaleb(-2)


def test_a_live_step_happens_once(world: World) -> None:
    step = world.live_payments()[0]
    step.fire()
    assert world.live_payments()[0].fired
    with pytest.raises(RuntimeError, match="already"):
        step.fire()


def test_a_crm_edit_needs_the_products_record(world: World) -> None:
    edit = next(e for e in world.live_edits() if e.name == "open_dispute")
    with pytest.raises(LookupError, match="not in the CRM yet"):
        edit.fire()
    assert not edit.fired


def test_live_payments_change_the_truth_and_the_processor(world: World) -> None:
    cards = [step for step in world.live_payments() if step.name == "card"]
    assert len(cards) == 24
    failing = next(step for step in world.live_payments() if step.name == "ach_fails_late")
    for step in (*cards, failing):
        invoice = world.organisations[step.organisation].invoices[step.invoice]
        before = invoice.truth
        step.fire()
        assert invoice.truth != before
    assert all(_invoice(world, step.organisation, step.invoice).true_open == 0 for step in cards)
    failed = _invoice(world, failing.organisation, failing.invoice)
    assert failed.truth.truly_due(TODAY)
    intents = world.books[failing.organisation].processor.account.payment_intents.values()
    (intent,) = [i for i in intents if i["metadata"].get("invoice") == failed.number]
    assert intent["status"] == "requires_payment_method"


def test_untouched_books_fail_the_cases_that_need_work(world: World) -> None:
    results = world.check_cases(mails=[], product_states={})
    failed = {key for key, result in results.items() if not result["ok"]}
    for organisation in world.organisations:
        for name in ("exact_payment", "partial", "payout_with_fees", "wrong_reference", "ach_in_flight"):
            assert f"{organisation}:{name}" in failed
    assert len(results) == 44


def test_a_bookkeeper_who_knows_the_truth_passes_every_case(world: World) -> None:
    _keep_books(world)
    mails = _remind(world)
    results = world.check_cases(mails=mails, product_states=_states(world))
    wrong = {key: result for key, result in results.items() if not result["ok"]}
    assert wrong == {}
    score = world.score(mails)
    assert (score.false_reminders, score.missed_reminders) == ([], [])


def test_one_wrong_posting_fails_its_case_only(world: World) -> None:
    _keep_books(world)
    (invoice,) = world.organisations["harbour-pine"].by_role("case:exact_payment")
    ledger = world.books["harbour-pine"].ledger
    assert isinstance(ledger, XeroLedger)
    (payment,) = [p for p in ledger.books.payments.values() if p["Invoice"]["InvoiceID"] == invoice.ledger_id]
    ledger.books.delete_payment(payment["PaymentID"])
    results = world.check_cases(mails=_remind(world), product_states=_states(world))
    assert [key for key, result in results.items() if not result["ok"]] == ["harbour-pine:exact_payment"]


def _invoice(world: World, organisation: str, number: str) -> TrueInvoice:
    return world.organisations[organisation].invoices[number]


def _keep_books(world: World) -> None:
    for organisation in world.organisations.values():
        org = world.books[organisation.key].crm.org
        for invoice in organisation.invoices.values():
            if invoice.role != "paid":
                org.create(
                    "TrueDue_Invoice__c",
                    Account__c=organisation.customers[invoice.customer].crm_account_id,
                    Number__c=invoice.number,
                    Balance__c=float(invoice.ledger_open),
                    Due_Date__c=invoice.due_on.isoformat(),
                )
    for step in (*world.live_edits(), *world.live_payments()):
        step.fire()
    for organisation in world.organisations.values():
        _carry_edits(world, organisation)
        for receipt in organisation.receipts:
            if receipt.channel in ("bank", "stripe") and receipt.payer and not receipt.refunded:
                _post(world, organisation, receipt)
        _post_payout_fees(world, organisation)
        books = world.books[organisation.key]
        for invoice in organisation.invoices.values():
            if invoice.role != "paid":
                books.crm.edit_invoice(invoice, Balance__c=float(books.ledger.balance(invoice)))


def _carry_edits(world: World, organisation: Organisation) -> None:
    books = world.books[organisation.key]
    (in_crm,) = organisation.by_role("case:crm_due_date")
    books.ledger.move_due_date(in_crm, date.fromisoformat(LATER))
    (in_ledger,) = organisation.by_role("case:ledger_due_date")
    books.crm.edit_invoice(in_ledger, Due_Date__c=LATER)
    (moved,) = organisation.by_role("case:crm_contact_email")
    customer = organisation.customer_of(moved)
    if isinstance(books.ledger, XeroLedger):
        books.ledger.books.edit_contact(customer.ledger_id, EmailAddress=customer.email)
    elif isinstance(books.ledger, QuickBooksLedger):
        books.ledger.books.edit_customer(customer.ledger_id, PrimaryEmailAddr={"Address": customer.email})


def _post(world: World, organisation: Organisation, receipt: TrueReceipt) -> None:
    ledger = world.books[organisation.key].ledger
    invoices = [(organisation.invoices[number], amount) for number, amount in receipt.allocations]
    if isinstance(ledger, XeroLedger):
        _post_in_xero(ledger, organisation, receipt, invoices)
    elif isinstance(ledger, QuickBooksLedger):
        ledger.books.add_payment(
            customer_id=organisation.customers[receipt.payer or ""].ledger_id,
            lines=[(invoice.ledger_id, amount) for invoice, amount in invoices],
            total=receipt.amount + receipt.fee,
            paid_on=receipt.received_on,
        )
        if receipt.channel == "bank" and receipt.fee:
            _charge_in_quickbooks(ledger, receipt.fee)


def _post_in_xero(
    ledger: XeroLedger,
    organisation: Organisation,
    receipt: TrueReceipt,
    invoices: list[tuple[TrueInvoice, Decimal]],
) -> None:
    account = CLEARING if receipt.channel == "stripe" else BANK
    fee = receipt.fee if receipt.channel == "bank" else Decimal(0)
    for invoice, amount in invoices:
        ledger.books.add_payment(
            invoice_id=invoice.ledger_id, amount=amount - fee, paid_on=receipt.received_on, account_code=account
        )
        if fee:
            ledger.books.add_payment(
                invoice_id=invoice.ledger_id, amount=fee, paid_on=receipt.received_on, account_code=BANK_FEES
            )
    if receipt.unapplied:
        contact = organisation.customers[receipt.payer or ""].ledger_id
        _transact_in_xero(
            ledger,
            "RECEIVE-OVERPAYMENT",
            account=account,
            line_account="610",
            amount=receipt.unapplied,
            contact=contact,
        )


def _transact_in_xero(
    ledger: XeroLedger, kind: str, *, account: str, line_account: str, amount: Decimal, contact: str | None = None
) -> None:
    line = {"Description": kind, "Quantity": 1, "UnitAmount": amount, "AccountCode": line_account}
    item = {"Type": kind, "BankAccount": {"Code": account}, "LineItems": [line], "Date": TODAY}
    if contact:
        item["Contact"] = {"ContactID": contact}
    plan_transaction(ledger.books, item, {}, by_person=True)()


def _charge_in_quickbooks(ledger: QuickBooksLedger, fee: Decimal) -> None:
    ids = ledger.account_ids
    ledger.books.add_deposit(
        account_id=ids["Checking"], line_account_id=ids["Bank Charges"], amount=fee, currency="USD", deposited_on=TODAY
    )


def _post_payout_fees(world: World, organisation: Organisation) -> None:
    ledger = world.books[organisation.key].ledger
    for charge in organisation.charges:
        if charge.state == "paid_out" and isinstance(ledger, XeroLedger):
            _transact_in_xero(ledger, "SPEND", account=CLEARING, line_account=BANK_FEES, amount=charge.fee)
        elif charge.state == "paid_out" and isinstance(ledger, QuickBooksLedger):
            _charge_in_quickbooks(ledger, charge.fee)


def _remind(world: World) -> list[CapturedMail]:
    return [
        CapturedMail(
            recipients=(world.organisations[invoice.organisation].customer_of(invoice).email or "",),
            subject="Reminder",
            text=f"{invoice.number} {invoice.true_open:,.2f}",
            html="",
            headers={},
            received_at=DEMO_START,
        )
        for invoice in world.invoices
        if invoice.truth.truly_due(TODAY) and world.organisations[invoice.organisation].customer_of(invoice).reachable
    ]


def _states(world: World) -> dict[str, dict[str, dict[str, list[str]]]]:
    return {
        key: {
            invoice.number: {"holds": [invoice.held or invoice.covered or ""]}
            for invoice in organisation.invoices.values()
            if invoice.held or invoice.covered
        }
        for key, organisation in world.organisations.items()
    }
