"""The XML of a camt message: parsed with entities, document types and the network off, found by local names."""

from __future__ import annotations

import re
from decimal import Decimal

from lxml import etree

from connectors.banks.fields import BankFileError, amount, clean, shown, signed

Element = etree._Element

_NOT_MARKUP = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>", re.DOTALL)


def parse(content: bytes) -> etree._ElementTree:
    """Parse without entities, document types or network; BankFileError when it is not well formed or declares one."""
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


def raw_text(content: bytes, encoding: str | None) -> str:
    """The message's text without comments, to count elements in without the parser."""
    try:
        text = content.decode(encoding or "utf-8", errors="replace")
    except LookupError as error:
        raise BankFileError(f"the XML encoding {shown(encoding or '')} is not known") from error
    return _NOT_MARKUP.sub("", text)


def account_of(account: Element | None) -> str | None:
    """The IBAN or other identification of an account element."""
    return (
        text_at(account, "Id", "IBAN")
        or text_at(account, "Id", "Othr", "Id")
        or text_at(account, "Id", "PrtryAcct", "Id")
    )


def signed_amount(element: Element) -> Decimal:
    """The amount of an element with `Amt` and `CdtDbtInd`, negative for a debit; BankFileError when one is missing."""
    direction = text_at(element, "CdtDbtInd")
    if direction not in {"CRDT", "DBIT"}:
        raise BankFileError(f"{name_of(element)} states no direction (CdtDbtInd {direction})", line=line_of(element))
    return signed(magnitude(element), outgoing=direction == "DBIT")


def magnitude(element: Element) -> Decimal:
    """The unsigned `Amt` of an element; BankFileError when there is none."""
    text = text_at(element, "Amt")
    if text is None:
        raise BankFileError(f"{name_of(element)} states no amount", line=line_of(element))
    return amount(text, line=line_of(element))


def currency_of(element: Element | None) -> str | None:
    """The currency of the `Amt` of an element, None when it has none."""
    stated = child(element, "Amt")
    code = clean(stated.get("Ccy")) if stated is not None else None
    if code is not None and not re.fullmatch("[A-Z]{3}", code):
        raise BankFileError(f"{shown(code)} is not a currency", line=line_of(stated))
    return code


def text_at(element: Element | None, *path: str) -> str | None:
    """The text at a path of first children, as one line; None when there is none."""
    for name in path:
        element = child(element, name)
    return clean(element.text) if element is not None else None


def child(element: Element | None, name: str) -> Element | None:
    """The first child of that name."""
    return next(iter(children(element, name)), None)


def children(element: Element | None, name: str) -> list[Element]:
    """All children of that name, in order; none of a missing element."""
    return [child for child in elements(element) if name_of(child) == name]


def elements(element: Element | None) -> list[Element]:
    """All child elements, without comments."""
    return [] if element is None else [child for child in element if isinstance(child.tag, str)]


def name_of(element: Element) -> str:
    """The name without its namespace, which differs with the version of the message."""
    return etree.QName(element).localname


def line_of(element: Element | None) -> int | None:
    """The line of the file where the element begins."""
    line = element.sourceline if element is not None else None
    return line if isinstance(line, int) else None
