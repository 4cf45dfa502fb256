"""XML of nested elements, in the order in which its schema wants them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from lxml import etree


class Vocabulary:
    """Makes elements of a document's namespaces by `prefix:Name`."""

    def __init__(self, namespaces: Mapping[str, str]) -> None:
        self._namespaces = dict(namespaces)

    def element(self, name: str, *parts: etree._Element | str | None, **attributes: str) -> etree._Element:
        """Return an element with text or with parts; a part that is None is left out."""
        prefix, _, local = name.partition(":")
        made = etree.Element(f"{{{self._namespaces[prefix]}}}{local}", attributes, nsmap=self._namespaces)
        for part in parts:
            if isinstance(part, str):
                made.text = part
            elif part is not None:
                made.append(part)
        return made

    def filled(self, name: str, text: str, **attributes: str) -> etree._Element | None:
        """Return an element with this text, None where there is none."""
        return self.element(name, text, **attributes) if text else None


def written(root: etree._Element) -> bytes:
    """Return the document as a file."""
    etree.cleanup_namespaces(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def plain(number: Decimal) -> str:
    """Write a number without an exponent, and without zeros that say nothing."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
