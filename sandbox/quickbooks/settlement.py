"""What payments and deposits are linked to, and the balances that follow."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.quickbooks import exchange
from sandbox.quickbooks.values import ZERO, Record, business, not_found, reference

if TYPE_CHECKING:
    from sandbox.quickbooks.ledger import Ledger

Links = dict[tuple[str, str], Decimal]
RECEIVABLES = "Accounts Receivable"
CREDITS = ("CreditMemo", "JournalEntry")  # what pays an invoice besides money


def links_of(payment: Record) -> Links:
    """How much of a payment goes to each linked (entity, id)."""
    amounts: defaultdict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    for line in payment.get("Line", []):
        for link in line.get("LinkedTxn") or []:
            amounts[str(link["TxnType"]), str(link["TxnId"])] += line["Amount"]
    return dict(amounts)


def check_payment(books: Ledger, payment: Record) -> None:
    """Refuse to apply more than a document has open or than there is money, or to another customer's document."""
    before = links_of(books.payments[payment["Id"]]) if payment.get("Id") in books.payments else {}
    applied = credited = ZERO
    for (kind, document_id), amount in links_of(payment).items():
        if kind not in ("Invoice", *CREDITS):
            raise business(f"A payment cannot be linked to {kind}")
        document = books.entities[kind].get(document_id)
        if document is None:
            raise not_found()
        if amount < 0:
            raise business("The amount applied must be 0 or greater")
        if amount > _open(books, kind, document) + before.get((kind, document_id), ZERO):
            raise business("The amount you are trying to apply is more than the open balance of the transaction")
        if not _pays_for(books, reference(payment["CustomerRef"]), _customer_of(books, kind, document)):
            raise business("The customer of the payment and of the linked transaction must be the same")
        if document["CurrencyRef"]["value"] != payment["CurrencyRef"]["value"]:
            raise business("The currency of the payment and of the linked transaction must be the same")
        if kind == "Invoice":
            applied += amount
        else:
            credited += amount
    if applied > payment["TotalAmt"] + credited:
        raise business("You cannot apply more than the payment amount and the credits together")
    payment["UnappliedAmt"] = payment["TotalAmt"] + credited - applied


def apply(books: Ledger, payment: Record, *, sign: int) -> None:
    """Set (`sign` 1) or take back (-1) what a payment does to its documents and to the customer's balance."""
    for (kind, document_id), amount in links_of(payment).items():
        document = books.entities[kind].get(document_id)
        if document is None:
            continue
        if kind != "JournalEntry":
            document["Balance"] -= sign * amount
        if kind == "CreditMemo":
            document["RemainingCredit"] = document["Balance"]
        link = {"TxnId": payment["Id"], "TxnType": "Payment"}
        kept = [other for other in document["LinkedTxn"] if other != link]
        document["LinkedTxn"] = [*kept, link] if sign > 0 else kept
        books.touch(kind, document, "updated")
    owe(books, reference(payment["CustomerRef"]), -sign * payment["TotalAmt"])
    exchange.realise(books, payment, links_of(payment), sign=sign)


def owe(books: Ledger, customer_id: str, amount: Decimal) -> None:
    """Add to what a customer owes, itself and through its parents."""
    customer = books.customers.get(customer_id)
    if customer is not None:
        customer["Balance"] += amount
    while customer is not None:
        customer["BalanceWithJobs"] = customer.get("BalanceWithJobs", ZERO) + amount
        customer = books.customers.get(reference(customer.get("ParentRef")))


def unlink(books: Ledger, kind: str, document_id: str) -> None:
    """Free the money that was applied to a voided or deleted document: it stays on the payments, unapplied."""
    for payment in books.payments.values():
        if (kind, document_id) in links_of(payment):
            payment["Line"] = [line for line in payment["Line"] if not _links_to(line, kind, document_id)]
            _open_again(books, payment)
            payment["UnappliedAmt"] = _left(payment)
            books.touch("Payment", payment, "updated")


def check_receivables(books: Ledger, entry: Record) -> None:
    """Refuse a journal entry's line of receivables without a customer, or in another currency than its account."""
    for line in entry["Line"]:
        detail = line["JournalEntryLineDetail"]
        account = books.accounts[reference(detail["AccountRef"])]
        if account["AccountType"] != RECEIVABLES:
            continue
        if reference((detail.get("Entity") or {}).get("EntityRef")) not in books.customers:
            raise business("When you use Accounts Receivable, you must choose a customer in the Name field")
        if account["CurrencyRef"]["value"] != reference(entry["CurrencyRef"]):
            raise business("The currency of the transaction is not the currency of the receivables account")


def receivables_of(books: Ledger, entry: Record) -> list[tuple[str, Decimal]]:
    """What a journal entry adds to the debts of customers: (customer id, amount), negative for a credit."""
    found = []
    for line in entry["Line"]:
        detail = line["JournalEntryLineDetail"]
        if books.accounts[reference(detail["AccountRef"])]["AccountType"] == RECEIVABLES:
            sign = 1 if detail["PostingType"] == "Debit" else -1
            found.append((reference(detail["Entity"]["EntityRef"]), sign * line["Amount"]))
    return found


def check_deposit(books: Ledger, deposit: Record) -> None:
    """Refuse payments that are not waiting in Undeposited Funds, or not in full."""
    for line in deposit["Line"]:
        for link in line.get("LinkedTxn") or []:
            payment = books.payments.get(str(link["TxnId"])) if link["TxnType"] == "Payment" else None
            if payment is None:
                raise not_found()
            taken = [other for other in payment["LinkedTxn"] if other["TxnType"] == "Deposit"]
            if taken and taken[0]["TxnId"] != deposit.get("Id"):
                raise business("The payment has already been deposited")
            if reference(payment["DepositToAccountRef"]) != books.undeposited_funds_id:
                raise business("The payment is not in Undeposited Funds")
            if line["Amount"] != payment["TotalAmt"]:
                raise business("A deposit takes the whole amount of a payment")
            if reference(payment["CurrencyRef"]) != reference(deposit["CurrencyRef"]):
                raise business("A deposit and its payments must have the same currency")


def mark_deposited(books: Ledger, deposit: Record, *, sign: int) -> None:
    """Link (`sign` 1) or free (-1) the payments of a deposit."""
    link = {"TxnId": deposit["Id"], "TxnType": "Deposit"}
    for line in deposit["Line"]:
        for part in line.get("LinkedTxn") or []:
            payment = books.payments[str(part["TxnId"])]
            kept = [other for other in payment["LinkedTxn"] if other != link]
            payment["LinkedTxn"] = [*kept, link] if sign > 0 else kept
            books.touch("Payment", payment, "updated")


def _open(books: Ledger, kind: str, document: Record) -> Decimal:
    """What of a document payments may still be linked to; a journal entry offers its credit to customers."""
    if kind != "JournalEntry":
        return Decimal(document["Balance"])
    credit = -sum((amount for _, amount in receivables_of(books, document)), ZERO)
    payments = {str(link["TxnId"]) for link in document["LinkedTxn"]}
    taken = (links_of(books.payments[each]).get((kind, document["Id"]), ZERO) for each in payments)
    return credit - sum(taken, ZERO)


def _customer_of(books: Ledger, kind: str, document: Record) -> str:
    if kind != "JournalEntry":
        return reference(document["CustomerRef"])
    return next((customer_id for customer_id, _ in receivables_of(books, document)), "")


def _left(payment: Record) -> Decimal:
    """What a payment and the credits it uses leave over; negative when its invoices take more."""
    links = links_of(payment).items()
    credited = sum((amount for (kind, _), amount in links if kind in CREDITS), ZERO)
    return Decimal(payment["TotalAmt"]) + credited - sum((a for (kind, _), a in links if kind == "Invoice"), ZERO)


def _open_again(books: Ledger, payment: Record) -> None:
    """Take from the invoices of a payment, the last first, what it can no longer pay once a credit is gone."""
    for line in reversed(payment["Line"]):
        for link in line["LinkedTxn"]:
            cut = min(line["Amount"], max(ZERO, -_left(payment)))
            if link["TxnType"] == "Invoice" and cut:
                line["Amount"] -= cut
                document = books.invoices[str(link["TxnId"])]
                document["Balance"] += cut
                books.touch("Invoice", document, "updated")


def _links_to(line: Record, kind: str, document_id: str) -> bool:
    return any((str(x["TxnType"]), str(x["TxnId"])) == (kind, document_id) for x in line.get("LinkedTxn") or [])


def _pays_for(books: Ledger, payer_id: str, customer_id: str) -> bool:
    while customer_id:
        if customer_id == payer_id:
            return True
        customer_id = reference(books.customers[customer_id].get("ParentRef"))
    return False
