"""camt.052, camt.053 and camt.054 of ISO 20022, versions 2 to 8 and later, read by local element names.

Only what the message states is returned. `CdtDbtInd` already gives the direction of an entry, also of a reversal
(`RvslInd`), as ISO 20022 defines it. Two checks apply to the message's own figures: `TxsSummry` totals, and opening
plus booked entries against closing. The second needs OPBD or PRCD and CLBD in one currency; interim balances of a
camt.052 promise nothing about the entries beside them, nor do a whole statement's balances on one of its pages.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from decimal import Decimal

from connectors.banks.camt_entry import batch_remarks, read_entry
from connectors.banks.camt_xml import (
    Element,
    account_of,
    child,
    children,
    currency_of,
    elements,
    line_of,
    name_of,
    parse,
    raw_text,
    signed_amount,
    text_at,
)
from connectors.banks.draft import (
    Draft,
    Line,
    Reading,
    check_balance,
    check_count,
    check_entry_bound,
    exact_sum,
)
from connectors.banks.fields import BankFileError, amount, iso_day

_MESSAGES = {
    "BkToCstmrAcctRpt": ("camt.052", "Rpt"),
    "BkToCstmrStmt": ("camt.053", "Stmt"),
    "BkToCstmrDbtCdtNtfctn": ("camt.054", "Ntfctn"),
}
_OPENING = ("OPBD", "PRCD")
_BOOKED = {"BOOK", None}
_COUNTED_TAG = re.compile(r"<(?:[\w.-]+:)?(Ntry|TxDtls)[\s/>]")


def read(content: bytes) -> Reading:
    """Read a camt message; BankFileError when it is not well formed, incomplete, or contradicts its own figures."""
    tree = parse(content)
    tags = Counter(_COUNTED_TAG.findall(raw_text(content, tree.docinfo.encoding)))
    check_entry_bound(tags["Ntry"])
    message = next((element for element in tree.getroot().iter("{*}*") if name_of(element) in _MESSAGES), None)
    if message is None:
        raise BankFileError("the file is XML but no camt.052, camt.053 or camt.054 message")
    name, unit = _MESSAGES[name_of(message)]
    remarks: list[str] = []
    paged = _is_page(child(message, "GrpHdr"))
    drafts = [_draft(report, name, paged, remarks) for report in children(message, unit)]
    if not drafts:
        raise BankFileError(f"the {name} message holds no statement ({unit})", line=line_of(message))
    check_count(drafts, stated=tags["Ntry"], what="Ntry elements")
    parts = sum(len(line.parts) for draft in drafts for line in draft.lines)
    if parts != tags["TxDtls"]:
        raise BankFileError(f"the file holds {tags['TxDtls']} TxDtls elements but {parts} could be read")
    return Reading(name, drafts, tuple(remarks))


def _draft(report: Element, message: str, paged: bool, remarks: list[str]) -> Draft:
    paged = paged or any(_is_page(child) for child in elements(report) if name_of(child).endswith("Pgntn"))
    account = child(report, "Acct")
    draft = Draft(account=account_of(account))
    entries = children(report, "Ntry")
    currencies = {currency_of(entry) for entry in entries}
    balances = _balances(report)
    opening = next((balances[code] for code in _OPENING if code in balances), None)
    closing = balances.get("CLBD")
    draft.currency = (
        text_at(account, "Ccy")
        or (opening[1] if opening else None)
        or (closing[1] if closing else None)
        or (currencies.pop() if len(currencies) == 1 else None)
    )
    draft.opening = _in_currency(opening, draft, "opening", remarks)
    draft.closing = _in_currency(closing, draft, "closing", remarks)
    draft.closed_on = None if paged else _closed_on(report)
    draft.lines = [read_entry(entry, draft.account) for entry in entries]
    remarks += [
        remark for entry, line in zip(entries, draft.lines, strict=True) for remark in batch_remarks(entry, line)
    ]
    if not paged:
        _check_summary(report, draft.lines)
        booked = [line for line in draft.lines if line.status in _BOOKED]
        if message == "camt.053" and all(line.currency == draft.currency for line in booked):
            check_balance(draft, (line.amount for line in booked), line=line_of(report))
    return draft


def _balances(report: Element) -> dict[str, tuple[Decimal, str | None]]:
    """The first stated amount of each balance code, with its currency."""
    found: dict[str, tuple[Decimal, str | None]] = {}
    for balance in children(report, "Bal"):
        code = text_at(balance, "Tp", "CdOrPrtry", "Cd")
        if code and code not in found:
            found[code] = (signed_amount(balance), currency_of(balance))
    return found


def _closed_on(report: Element) -> date | None:
    """The day of the closing balance."""
    for balance in children(report, "Bal"):
        if text_at(balance, "Tp", "CdOrPrtry", "Cd") == "CLBD":
            return iso_day(text_at(balance, "Dt", "Dt") or text_at(balance, "Dt", "DtTm"))
    return None


def _in_currency(
    balance: tuple[Decimal, str | None] | None, draft: Draft, which: str, remarks: list[str]
) -> Decimal | None:
    if balance is None or balance[1] == draft.currency:
        return balance[0] if balance else None
    remarks.append(
        f"account {draft.account or '(unnamed)'}: the {which} balance is stated in {balance[1]}, not in the account's "
        f"{draft.currency}; it is left out and could not be checked"
    )
    return None


def _check_summary(report: Element, lines: list[Line]) -> None:
    """`TxsSummry` counts and sums, over all entries or over the booked ones, as banks do either."""
    summary = child(report, "TxsSummry")
    booked = [line for line in lines if line.status in _BOOKED]
    for tag, direction in (("TtlNtries", 0), ("TtlCdtNtries", 1), ("TtlDbtNtries", -1)):
        total = child(summary, tag)
        if total is None:
            continue
        chosen = [_amounts(pool, direction) for pool in (lines, booked)]
        count, stated_sum = text_at(total, "NbOfNtries"), text_at(total, "Sum")
        if count is not None and all(str(len(pool)) != count.lstrip("0").zfill(1) for pool in chosen):
            raise BankFileError(f"{tag} states {count} entries, the file holds {len(chosen[0])}", line=line_of(total))
        if stated_sum is not None and all(exact_sum(pool) != amount(stated_sum) for pool in chosen):
            found = exact_sum(chosen[0])
            raise BankFileError(
                f"{tag} states a sum of {stated_sum}, the entries add up to {found}", line=line_of(total)
            )


def _amounts(lines: list[Line], direction: int) -> list[Decimal]:
    return [abs(line.amount) for line in lines if not direction or (line.amount < 0) == (direction < 0)]


def _is_page(pagination: Element | None) -> bool:
    """Whether a pagination (also one inside a group header) says that there are other pages."""
    inner = child(pagination, "MsgPgntn")
    place = inner if inner is not None else pagination
    return text_at(place, "PgNb") not in {None, "1"} or text_at(place, "LastPgInd") in {"false", "0"}
