"""Writes bank statements as ISO 20022 camt.053.001.08, one `Stmt` a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from sandbox.world.statement import BankStatement, Line

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


def document(statements: Sequence[BankStatement], *, created_at: datetime) -> bytes:
    """Return the file of these statements, UTF-8."""
    root = Element("Document", {"xmlns": NAMESPACE})
    body = SubElement(root, "BkToCstmrStmt")
    header = SubElement(body, "GrpHdr")
    _text(header, "MsgId", f"STM{created_at:%Y%m%d%H%M%S}")
    _text(header, "CreDtTm", _instant(created_at))
    for statement in statements:
        _statement(body, statement, created_at)
    indent(root, space=" ")
    written: str = tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{written}\n'.encode()


def _statement(body: Element, statement: BankStatement, created_at: datetime) -> None:
    node = SubElement(body, "Stmt")
    _text(node, "Id", f"{statement.account[-8:]}-{statement.on:%Y%m%d}")
    _text(node, "ElctrncSeqNb", str(statement.number))
    _text(node, "CreDtTm", _instant(created_at))
    account = SubElement(node, "Acct")
    _account(SubElement(account, "Id"), statement.account)
    _text(account, "Ccy", statement.currency)
    _text(SubElement(account, "Ownr"), "Nm", statement.owner)
    _balance(node, "OPBD", statement.opening, statement.currency, statement.on)
    _balance(node, "CLBD", statement.closing, statement.currency, statement.on)
    _totals(node, statement.lines)
    for line in statement.lines:
        _entry(node, line, statement.currency)


def _balance(node: Element, code: str, amount: Decimal, currency: str, on: date) -> None:
    balance = SubElement(node, "Bal")
    _text(SubElement(SubElement(balance, "Tp"), "CdOrPrtry"), "Cd", code)
    _amount(balance, "Amt", abs(amount), currency)
    _text(balance, "CdtDbtInd", _indicator(amount))
    _text(SubElement(balance, "Dt"), "Dt", on.isoformat())


def _totals(node: Element, lines: Sequence[Line]) -> None:
    summary = SubElement(node, "TxsSummry")
    credits_ = [line.amount for line in lines if line.amount >= 0]
    debits = [-line.amount for line in lines if line.amount < 0]
    for name, amounts in (("TtlNtries", None), ("TtlCdtNtries", credits_), ("TtlDbtNtries", debits)):
        total = SubElement(summary, name)
        _text(total, "NbOfNtries", str(len(lines if amounts is None else amounts)))
        if amounts is not None:
            _text(total, "Sum", str(sum(amounts, Decimal(0))))


def _entry(node: Element, line: Line, currency: str) -> None:
    entry = SubElement(node, "Ntry")
    _text(entry, "NtryRef", line.reference[-6:])
    _amount(entry, "Amt", abs(line.amount), currency)
    _text(entry, "CdtDbtInd", _indicator(line.amount))
    _text(SubElement(entry, "Sts"), "Cd", "BOOK")
    _text(SubElement(entry, "BookgDt"), "Dt", line.booked_on.isoformat())
    _text(SubElement(entry, "ValDt"), "Dt", line.booked_on.isoformat())
    _text(entry, "AcctSvcrRef", line.reference)
    _code(entry, line)
    _transaction(SubElement(SubElement(entry, "NtryDtls"), "TxDtls"), line, currency)


def _code(entry: Element, line: Line) -> None:
    incoming = line.amount >= 0
    domain = SubElement(SubElement(entry, "BkTxCd"), "Domn")
    _text(domain, "Cd", "PMNT")
    family = SubElement(domain, "Fmly")
    _text(family, "Cd", "RCDT" if incoming else "ICDT")
    _text(family, "SubFmlyCd", "RRTN" if line.returned else "DMCT")


def _transaction(node: Element, line: Line, currency: str) -> None:
    references = SubElement(node, "Refs")
    _text(references, "AcctSvcrRef", line.reference)
    _text(references, "EndToEndId", line.end_to_end)
    _amount(node, "Amt", abs(line.amount), currency)
    _text(node, "CdtDbtInd", _indicator(line.amount))
    if line.gross is not None:
        instructed = SubElement(SubElement(node, "AmtDtls"), "InstdAmt")
        _amount(instructed, "Amt", line.gross, currency)
    if line.fee is not None:
        charge = SubElement(SubElement(node, "Chrgs"), "Rcrd")
        _amount(charge, "Amt", line.fee, currency)
        _text(charge, "CdtDbtInd", "DBIT")
        _text(charge, "ChrgInclInd", "true")
    _parties(SubElement(node, "RltdPties"), line)
    _text(SubElement(node, "RmtInf"), "Ustrd", line.remittance)
    if line.returned:
        _text(SubElement(SubElement(node, "RtrInf"), "Rsn"), "Cd", line.returned)


def _parties(parties: Element, line: Line) -> None:
    # A return names the parties of the payment that it takes back.
    role = "Dbtr" if line.amount >= 0 or line.returned else "Cdtr"
    _text(SubElement(SubElement(parties, role), "Pty"), "Nm", line.counterparty)
    if line.counterparty_account:
        _account(SubElement(SubElement(parties, f"{role}Acct"), "Id"), line.counterparty_account)


def _account(node: Element, number: str) -> None:
    if number[:2].isalpha():
        _text(node, "IBAN", number)
    else:
        _text(SubElement(node, "Othr"), "Id", number)


def _amount(node: Element, name: str, amount: Decimal, currency: str) -> None:
    SubElement(node, name, {"Ccy": currency}).text = str(amount)


def _text(node: Element, name: str, text: str) -> None:
    SubElement(node, name).text = text


def _indicator(amount: Decimal) -> str:
    return "CRDT" if amount >= 0 else "DBIT"


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
