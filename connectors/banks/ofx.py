"""OFX 1 (SGML, leaf elements unclosed) and OFX 2 (XML), read by one small tag reader.

Strict readers fail on half of real files, so that a missing end tag of an empty leaf, headers out of order or plain
XML without a header are read; a file cut short is not. `LEDGERBAL` is the closing balance; OFX states no opening
balance and no totals, so only the number of `STMTTRN` can be checked.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from connectors.banks.draft import Draft, Line, Reading, check_count, check_entry_bound
from connectors.banks.fields import BankFileError, amount, clean, iso_day, joined, shown

_TOKEN = re.compile(r"<(/?)([A-Za-z0-9_.]+)\s*(/?)>([^<]*)")
_STATEMENTS = {"STMTRS", "CCSTMTRS", "INVSTMTRS"}
_NOT_CASH = re.compile(r"BUY|SELL|INCOME|REINVEST|INVEXPENSE|JRNL|TRANSFER|RETOFCAP|SPLIT|CLOSUREOPT|MARGININTEREST")
_MAX_DEPTH = 64  # OFX nests about ten deep


@dataclass(slots=True)
class _Node:
    name: str
    text: str
    line: int
    children: list[_Node] = field(default_factory=list)


def read(text: str) -> Reading:
    """Read every statement; BankFileError when there is none, a line is unreadable or the end is missing."""
    if re.search(r"<!(?:DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise BankFileError("the file declares a document type; no bank statement does, and it can hide attacks")
    stated = len(re.findall(r"<STMTTRN\s*/?>", text, re.IGNORECASE))
    check_entry_bound(stated)
    root = _tree(text)
    remarks: list[str] = []
    drafts = [_draft(node, remarks) for node in _descend(root) if node.name in _STATEMENTS]
    if not drafts:
        raise BankFileError(_why_empty(root))
    check_count(drafts, stated=stated, what="STMTTRN elements")
    amounts = len(re.findall(r"<TRNAMT\s*/?>", text, re.IGNORECASE))
    if amounts > stated + sum(node.name == "STMTTRNP" for node in _descend(root)):
        raise BankFileError(f"the file holds {amounts} amounts (TRNAMT) but only {stated} STMTTRN elements")
    return Reading("ofx", drafts, tuple(remarks))


def _tree(text: str) -> _Node:
    root = _Node("", "", 1)
    stack = [root]
    line, counted = 1, 0
    for token in _TOKEN.finditer(text, max(text.upper().find("<OFX>"), 0)):
        closing, name, empty, content = token[1], token[2].upper(), token[3], token[4]
        line += text.count("\n", counted, token.start())
        counted = token.start()
        if closing:
            _close(stack, name)
            continue
        node = _Node(name, html.unescape(content).strip(), line)
        stack[-1].children.append(node)
        if not node.text and not empty:
            stack.append(node)
        if len(stack) > _MAX_DEPTH:
            raise BankFileError(f"elements are nested more than {_MAX_DEPTH} deep", line=line)
    if any(node.name == "OFX" for node in stack) or not root.children:
        raise BankFileError(f"the file ends inside <{stack[-1].name or 'OFX'}>: it was cut short", line=line)
    return root


def _close(stack: list[_Node], name: str) -> None:
    """Close the innermost `name`; what was left open inside were empty leaves, so their content is theirs no more."""
    if all(node.name != name for node in stack):
        return
    while stack[-1].name != name:
        leaf = stack.pop()
        stack[-1].children.extend(leaf.children)
        leaf.children = []
    stack.pop()


def _draft(statement: _Node, remarks: list[str]) -> Draft:
    account = next((_find(statement, name) for name in _ACCOUNTS if _find(statement, name)), None)
    currency = _currency(statement, "CURDEF")
    draft = Draft(account=_text(account, "ACCTID"), currency=currency)
    draft.closing = _balance(_find(statement, "LEDGERBAL"))
    nodes = list(_descend(statement))
    draft.lines = [_entry(node, currency, remarks) for node in nodes if node.name == "STMTTRN"]
    securities = sum(1 for parent in nodes if parent.name == "INVTRANLIST" for node in parent.children if _trade(node))
    if securities:
        remarks.append(
            f"account {draft.account}: {securities} securities transactions are no bank lines and are left out"
        )
    pending = sum(node.name == "STMTTRNP" for node in nodes)
    if pending:
        remarks.append(f"account {draft.account}: {pending} pending transactions are not booked yet and are left out")
    return draft


_ACCOUNTS = ("BANKACCTFROM", "CCACCTFROM", "INVACCTFROM")


def _trade(node: _Node) -> bool:
    return _NOT_CASH.match(node.name) is not None


def _balance(node: _Node | None) -> Decimal | None:
    stated = _text(node, "BALAMT")
    return None if stated is None or node is None else _amount(stated, node.line)


def _entry(node: _Node, currency: str | None, remarks: list[str]) -> Line:
    stated = _text(node, "TRNAMT")
    if stated is None:
        raise BankFileError("a STMTTRN states no amount (TRNAMT)", line=node.line)
    posted = _text(node, "DTPOSTED")
    booked_on = iso_day(posted)
    if booked_on is None:
        remarks.append(f"line {node.line}: a STMTTRN has no usable date ({posted or 'no DTPOSTED'}); it is left empty")
    other = _find(node, "BANKACCTTO") or _find(node, "CCACCTTO")
    foreign = _find(node, "CURRENCY")
    return Line(
        amount=_amount(stated, node.line),
        line=node.line,
        bank_reference=_text(node, "FITID"),
        booked_on=booked_on,
        value_on=iso_day(_text(node, "DTAVAIL")),
        currency=(_currency(foreign, "CURSYM") if foreign else None) or currency,
        counterparty=_text(node, "NAME") or _text(_find(node, "PAYEE"), "NAME"),
        counterparty_account=_text(other, "ACCTID"),
        remittance=joined([_text(node, "MEMO"), _text(node, "EXTDNAME")]),
        status=_text(node, "CORRECTACTION"),
    )


def _amount(text: str, line: int) -> Decimal:
    """OFX writes a point or comma and no grouping; where both occur the last one is the decimal mark."""
    if "," in text and "." in text:
        text = text.replace("," if text.rfind(".") > text.rfind(",") else ".", "")
    return amount(text, line=line)


def _currency(node: _Node, name: str) -> str | None:
    code = _text(node, name)
    if code is not None and not re.fullmatch("[A-Z]{3}", code):
        raise BankFileError(f"{shown(code)} is not a currency", line=node.line)
    return code


def _why_empty(root: _Node) -> str:
    for status in (node for node in _descend(root) if node.name == "STATUS"):
        code = _text(status, "CODE")
        if code not in {None, "0"}:
            return f"the file holds no statement: the bank answered {code} {_text(status, 'MESSAGE') or ''}".strip()
    return "the file holds no statement (STMTRS, CCSTMTRS or INVSTMTRS)"


def _descend(node: _Node) -> Iterator[_Node]:
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(current.children))


def _find(node: _Node, name: str) -> _Node | None:
    return next((child for child in node.children if child.name == name), None)


def _text(node: _Node | None, name: str) -> str | None:
    found = _find(node, name) if node is not None else None
    return clean(found.text) if found is not None else None
