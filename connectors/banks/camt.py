"""camt.052, camt.053 and camt.054 of ISO 20022, versions 2 to 8 and later, read by local element names.

Only what the message states is returned. `CdtDbtInd` already gives the direction of an entry, also of a reversal
(`RvslInd`), as ISO 20022 defines it. Two checks apply to the message's own figures: `TxsSummry` totals, and opening
plus booked entries against closing. The second needs OPBD or PRCD and CLBD in one currency; interim balances of a
camt.052 promise nothing about the entries beside them, nor do a whole statement's balances on one of its pages.
"""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal

from lxml import etree

from connectors.banks.draft import (
    Draft,
    Line,
    Reading,
    check_balance,
    check_count,
    check_entry_bound,
    exact_sum,
)
from connectors.banks.fields import BankFileError, amount, clean, iso_day, joined, shown, signed
from receivables.statement import Part

_MESSAGES = {
    "BkToCstmrAcctRpt": ("camt.052", "Rpt"),
    "BkToCstmrStmt": ("camt.053", "Stmt"),
    "BkToCstmrDbtCdtNtfctn": ("camt.054", "Ntfctn"),
}
_OPENING = ("OPBD", "PRCD")
_BOOKED = {"BOOK", None}
_NOT_MARKUP = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>", re.DOTALL)
_COUNTED_TAG = re.compile(r"<(?:[\w.-]+:)?(Ntry|TxDtls)[\s/>]")


def read(content: bytes) -> Reading:
    """Read a camt message; BankFileError when it is not well formed, incomplete, or contradicts its own figures."""
    tree = _parse(content)
    tags = Counter(_COUNTED_TAG.findall(_raw(content, tree.docinfo.encoding)))
    check_entry_bound(tags["Ntry"])
    message = next((element for element in tree.getroot().iter("{*}*") if _name(element) in _MESSAGES), None)
    if message is None:
        raise BankFileError("the file is XML but no camt.052, camt.053 or camt.054 message")
    name, unit = _MESSAGES[_name(message)]
    remarks: list[str] = []
    paged = _is_page(_child(message, "GrpHdr"))
    drafts = [_draft(report, name, paged, remarks) for report in _children(message, unit)]
    if not drafts:
        raise BankFileError(f"the {name} message holds no statement ({unit})", line=_line(message))
    check_count(drafts, stated=tags["Ntry"], what="Ntry elements")
    parts = sum(len(line.parts) for draft in drafts for line in draft.lines)
    if parts != tags["TxDtls"]:
        raise BankFileError(f"the file holds {tags['TxDtls']} TxDtls elements but {parts} could be read")
    return Reading(name, drafts, tuple(remarks))


def _parse(content: bytes) -> etree._ElementTree:
    if b"<!DOCTYPE" in content.replace(b"\0", b""):
        raise BankFileError("the file declares a document type; no bank statement does, and it can hide attacks")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        tree = etree.ElementTree(etree.fromstring(content, parser))
    except (etree.LxmlError, ValueError, LookupError) as error:
        line = getattr(error, "lineno", None)
        raise BankFileError(f"not well-formed XML: {error}", line=line) from error
    if getattr(tree.docinfo, "doctype", ""):
        raise BankFileError("the file declares a document type; no bank statement does, and it can hide attacks")
    return tree


def _raw(content: bytes, encoding: str | None) -> str:
    """The message's text without comments, to count elements in without the parser."""
    try:
        text = content.decode(encoding or "utf-8", errors="replace")
    except LookupError as error:
        raise BankFileError(f"the XML encoding {shown(encoding or '')} is not known") from error
    return _NOT_MARKUP.sub("", text)


def _draft(report: etree._Element, message: str, paged: bool, remarks: list[str]) -> Draft:
    paged = paged or any(_is_page(child) for child in _elements(report) if _name(child).endswith("Pgntn"))
    account = _child(report, "Acct")
    draft = Draft(account=_account(account))
    entries = _children(report, "Ntry")
    currencies = {_currency(entry) for entry in entries}
    balances = _balances(report)
    opening = next((balances[code] for code in _OPENING if code in balances), None)
    closing = balances.get("CLBD")
    draft.currency = (
        _text(account, "Ccy")
        or (opening[1] if opening else None)
        or (closing[1] if closing else None)
        or (currencies.pop() if len(currencies) == 1 else None)
    )
    draft.opening = _in_currency(opening, draft, "opening", remarks)
    draft.closing = _in_currency(closing, draft, "closing", remarks)
    draft.lines = [_entry(entry, draft.account) for entry in entries]
    if not paged:
        _check_summary(report, draft.lines)
        booked = [line for line in draft.lines if line.status in _BOOKED]
        if message == "camt.053" and all(line.currency == draft.currency for line in booked):
            check_balance(draft, (line.amount for line in booked), line=_line(report))
    return draft


def _balances(report: etree._Element) -> dict[str, tuple[Decimal, str | None]]:
    """The first stated amount of each balance code, with its currency."""
    found: dict[str, tuple[Decimal, str | None]] = {}
    for balance in _children(report, "Bal"):
        code = _text(balance, "Tp", "CdOrPrtry", "Cd")
        if code and code not in found:
            found[code] = (_signed(balance), _currency(balance))
    return found


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


def _entry(entry: etree._Element, own_account: str | None) -> Line:
    value = _signed(entry)
    reversal = _true(_text(entry, "RvslInd"))
    details = [part for group in _children(entry, "NtryDtls") for part in _children(group, "TxDtls")]
    parts = tuple(_part(detail, value, reversal, own_account) for detail in details)
    references = {reference for detail in details if (reference := _text(detail, "Refs", "AcctSvcrRef"))}
    booked, valued = _child(entry, "BookgDt"), _child(entry, "ValDt")
    return Line(
        amount=value,
        line=_line(entry),
        bank_reference=_reference(_text(entry, "AcctSvcrRef"), references),
        booked_on=iso_day(_text(booked, "Dt") or _text(booked, "DtTm")),
        value_on=iso_day(_text(valued, "Dt") or _text(valued, "DtTm")),
        currency=_currency(entry),
        counterparty=_common([part.counterparty for part in parts]),
        counterparty_account=_common([part.counterparty_account for part in parts]),
        remittance=joined([part.remittance for part in parts], " | ") or _text(entry, "AddtlNtryInf"),
        status=_text(entry, "Sts", "Cd") or _text(entry, "Sts", "Prtry") or _text(entry, "Sts"),
        reversal=reversal,
        parts=parts,
    )


def _reference(stated: str | None, of_details: set[str]) -> str | None:
    reference = stated or (of_details.pop() if len(of_details) == 1 else None)
    return None if reference in {"NOTPROVIDED", "NONREF"} else reference


def _part(detail: etree._Element, entry_value: Decimal, reversal: bool, own_account: str | None) -> Part:
    stated = _child(detail, "Amt")
    holder = detail if stated is not None else _child(_child(detail, "AmtDtls"), "TxAmt")
    value = None
    if holder is not None and _child(holder, "Amt") is not None:
        direction = _text(detail, "CdtDbtInd") or ("DBIT" if entry_value < 0 else "CRDT")
        value = signed(_magnitude(holder), outgoing=direction == "DBIT")
    incoming = (entry_value >= 0) != reversal
    name, account = _counterparty(_child(detail, "RltdPties"), incoming, own_account)
    remittance = _child(detail, "RmtInf")
    end_to_end = _text(detail, "Refs", "EndToEndId")
    return Part(
        amount=value,
        currency=_currency(holder) if value is not None else None,
        counterparty=name,
        counterparty_account=account,
        remittance=_remittance(remittance) or _text(detail, "AddtlTxInf"),
        end_to_end_id=None if end_to_end == "NOTPROVIDED" else end_to_end,
    )


def _counterparty(
    parties: etree._Element | None, incoming: bool, own_account: str | None
) -> tuple[str | None, str | None]:
    """The other side: the debtor of money in, the creditor of money out, and never the account's own side.

    Parties of a reversal are those of the original payment, which went the other way.
    """
    for side in ("Dbtr", "Cdtr") if incoming else ("Cdtr", "Dbtr"):
        party = _child(parties, side)
        account = _account(_child(parties, f"{side}Acct"))
        name = (
            _text(party, "Nm")
            or _text(party, "Pty", "Nm")
            or _text(party, "Agt", "FinInstnId", "Nm")
            or _text(_child(parties, f"{side}Acct"), "Nm")
        )
        if account is None or account != own_account:
            return name, account
        if _text(_child(parties, _other(side)), "Nm") is None:
            break
    return None, None


def _other(side: str) -> str:
    return "Cdtr" if side == "Dbtr" else "Dbtr"


def _remittance(information: etree._Element | None) -> str | None:
    pieces: list[str | None] = [clean(line.text) for line in _children(information, "Ustrd")]
    for structured in _children(information, "Strd"):
        pieces.append(_text(structured, "CdtrRefInf", "Ref"))
        pieces += [_text(document, "Nb") for document in _children(structured, "RfrdDocInf")]
        pieces += [clean(line.text) for line in _children(structured, "AddtlRmtInf")]
    return joined(pieces)


def _check_summary(report: etree._Element, lines: list[Line]) -> None:
    """`TxsSummry` counts and sums, over all entries or over the booked ones, as banks do either."""
    summary = _child(report, "TxsSummry")
    booked = [line for line in lines if line.status in _BOOKED]
    for tag, direction in (("TtlNtries", 0), ("TtlCdtNtries", 1), ("TtlDbtNtries", -1)):
        total = _child(summary, tag)
        if total is None:
            continue
        chosen = [_amounts(pool, direction) for pool in (lines, booked)]
        count, stated_sum = _text(total, "NbOfNtries"), _text(total, "Sum")
        if count is not None and all(str(len(pool)) != count.lstrip("0").zfill(1) for pool in chosen):
            raise BankFileError(f"{tag} states {count} entries, the file holds {len(chosen[0])}", line=_line(total))
        if stated_sum is not None and all(exact_sum(pool) != amount(stated_sum) for pool in chosen):
            found = exact_sum(chosen[0])
            raise BankFileError(f"{tag} states a sum of {stated_sum}, the entries add up to {found}", line=_line(total))


def _amounts(lines: list[Line], direction: int) -> list[Decimal]:
    return [abs(line.amount) for line in lines if not direction or (line.amount < 0) == (direction < 0)]


def _is_page(pagination: etree._Element | None) -> bool:
    """Whether a pagination (also one inside a group header) says that there are other pages."""
    inner = _child(pagination, "MsgPgntn")
    place = inner if inner is not None else pagination
    return _text(place, "PgNb") not in {None, "1"} or _text(place, "LastPgInd") in {"false", "0"}


def _account(account: etree._Element | None) -> str | None:
    return _text(account, "Id", "IBAN") or _text(account, "Id", "Othr", "Id") or _text(account, "Id", "PrtryAcct", "Id")


def _signed(element: etree._Element) -> Decimal:
    direction = _text(element, "CdtDbtInd")
    if direction not in {"CRDT", "DBIT"}:
        raise BankFileError(f"{_name(element)} states no direction (CdtDbtInd {direction})", line=_line(element))
    return signed(_magnitude(element), outgoing=direction == "DBIT")


def _magnitude(element: etree._Element) -> Decimal:
    text = _text(element, "Amt")
    if text is None:
        raise BankFileError(f"{_name(element)} states no amount", line=_line(element))
    return amount(text, line=_line(element))


def _currency(element: etree._Element | None) -> str | None:
    stated = _child(element, "Amt")
    code = clean(stated.get("Ccy")) if stated is not None else None
    if code is not None and not re.fullmatch("[A-Z]{3}", code):
        raise BankFileError(f"{shown(code)} is not a currency", line=_line(stated))
    return code


def _common(values: list[str | None]) -> str | None:
    """The one value that all parts share, else None."""
    return values[0] if values and len(set(values)) == 1 else None


def _true(text: str | None) -> bool:
    return text in {"true", "1"}


def _text(element: etree._Element | None, *path: str) -> str | None:
    for name in path:
        element = _child(element, name)
    return clean(element.text) if element is not None else None


def _child(element: etree._Element | None, name: str) -> etree._Element | None:
    return next(iter(_children(element, name)), None)


def _children(element: etree._Element | None, name: str) -> list[etree._Element]:
    return [child for child in _elements(element) if _name(child) == name]


def _elements(element: etree._Element | None) -> list[etree._Element]:
    return [] if element is None else [child for child in element if isinstance(child.tag, str)]


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname


def _line(element: etree._Element | None) -> int | None:
    line = element.sourceline if element is not None else None
    return line if isinstance(line, int) else None
