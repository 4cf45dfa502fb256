"""JSON of QuickBooks as the XML that Intuit's XSD describes: names become elements or attributes, in its order."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

XS = "{http://www.w3.org/2001/XMLSchema}"
NAMESPACE = "http://schema.intuit.com/finance/v3"
_NUMBERS = frozenset({"decimal", "int", "integer", "long", "float", "double", "positiveInteger"})
_NUMBER = (int, float, Decimal)

Difference = tuple[str, str, str]  # place, rule, text
Json = Any
Type = etree._Element | str  # a type of the XSD, or the name of one of XML Schema's own


@dataclass(frozen=True, slots=True)
class Member:
    """An element of a complex type; `abstract` stands for any element that may take its place."""

    name: str
    type: Type
    abstract: bool = False


class IntuitSchema:
    """The XSD, loaded once. Validation itself is libxml2's."""

    def __init__(self, root: Path) -> None:
        self._schema = etree.XMLSchema(etree.parse(root))
        self._validating = threading.Lock()
        documents = [etree.parse(path).getroot() for path in sorted(root.parent.glob("*.xsd"))]
        self._types = _named(documents, "complexType") | _named(documents, "simpleType")
        self._groups = _named(documents, "group")
        self._elements = _named(documents, "element")
        self.entities = frozenset(name for name in self._elements if self._replaces(name, "IntuitObject"))
        self.members = cache(self._members)
        self.attributes = cache(self._attributes)

    def differences(self, name: str, value: Json) -> list[Difference]:
        """Say where a JSON object differs from the global element `name`."""
        if name not in self._elements:
            return [("", "unknown", f"the XSD has no element {name}")]
        element = etree.Element(f"{{{NAMESPACE}}}{name}")
        found = list(self._fill(element, value, self._type_of(self._elements[name]), ""))
        tree = element.getroottree()
        with self._validating:  # calls are held against the XSD as they come in, and it keeps one log of errors
            self._schema.validate(element)
            errors = list(self._schema.error_log)  # type: ignore[call-overload]  # the stubs: it cannot be iterated
        for error in errors:
            found.append((_named_path(tree, error.path), "xsd", error.message.replace(f"{{{NAMESPACE}}}", "")))
        return found

    def member(self, name: str, path: str) -> bool:
        """Whether the entity `name` has a field at `path` (`MetaData.LastUpdatedTime`)."""
        if name not in self._elements:
            return False
        kind: Type = self._type_of(self._elements[name])
        for part in path.split("."):
            found = {} if isinstance(kind, str) else {each.name: each for each in self.members(kind)}
            if part not in found:
                return path.endswith(f".{part}") and self._says_of_reference(kind, part)
            kind = found[part].type
        return True

    def _says_of_reference(self, kind: Type, part: str) -> bool:
        """Whether queries ask a reference for this: what it refers to (`value`), or what else it says (`Type`).

        Source: Intuit's guide to attachments, which asks for `AttachableRef.EntityRef.Type` and `.value`.
        """
        told = set() if isinstance(kind, str) else {str(each.get("name")) for each in self.attributes(kind)}
        return bool(told) and part.lower() in told | {"value"}

    def _fill(self, element: etree._Element, value: Json, kind: Type, place: str) -> Iterator[Difference]:
        if isinstance(kind, str) or kind.tag == f"{XS}simpleType":
            yield from self._text(element, value, kind, place)
            return
        if not isinstance(value, dict):
            yield place, "type", f"{value!r} is no object"
            return
        rest = dict(value)
        for attribute in self.attributes(kind):
            name = str(attribute.get("name"))
            if name in rest:
                element.set(name, _written(rest.pop(name)))
        if kind.find(f"{XS}simpleContent") is not None:
            element.text = _written(rest.pop("value", ""))
        for member in self.members(kind):
            for name in self._taken(member, rest):
                child = self._type_of(self._elements[name]) if member.abstract else member.type
                yield from self._children(element, name, rest.pop(name), child, place)
        for name in rest:
            yield f"{place}/{name}", "unknown", "the XSD has no such name"

    def _taken(self, member: Member, rest: dict[str, Json]) -> Sequence[str]:
        if not member.abstract:
            return [member.name] if member.name in rest else []
        return [name for name in rest if self._replaces(name, member.name)]

    def _replaces(self, name: str, head: str) -> bool:
        element = self._elements.get(name)
        return element is not None and element.get("substitutionGroup") == head

    def _children(
        self, element: etree._Element, name: str, value: Json, kind: Type, place: str
    ) -> Iterator[Difference]:
        several = isinstance(value, list)
        for one in value if several else [value]:
            child = etree.SubElement(element, f"{{{NAMESPACE}}}{name}")
            yield from self._fill(child, one, kind, f"{place}/{name}{'/[]' if several else ''}")

    def _text(self, element: etree._Element, value: Json, kind: Type, place: str) -> Iterator[Difference]:
        element.text = _written(value)
        base = self._base(kind)
        wanted = _NUMBER if base in _NUMBERS else bool if base == "boolean" else str
        if not isinstance(value, wanted) or (isinstance(value, bool) and base != "boolean"):
            yield place, "type", f"{value!r} is no JSON value for xs:{base}"

    def _base(self, kind: Type) -> str:
        while not isinstance(kind, str):
            restriction = kind.find(f"{XS}restriction")
            kind = self._found(str(restriction.get("base"))) if restriction is not None else "string"
        return kind

    def _type_of(self, element: etree._Element) -> Type:
        if element.get("type") is not None:
            return self._found(str(element.get("type")))
        inner = element.find(f"{XS}complexType")
        return inner if inner is not None else element.find(f"{XS}simpleType") or "string"

    def _found(self, name: str) -> Type:
        return self._types[name] if name in self._types else name.partition(":")[2] or name

    def _members(self, kind: etree._Element) -> tuple[Member, ...]:
        return tuple(self._walk(kind))

    def _walk(self, node: etree._Element) -> Iterator[Member]:
        for child in node:
            if child.tag == f"{XS}element":
                yield self._member(child)
            elif child.tag == f"{XS}extension":
                base = self._found(str(child.get("base")))
                yield from () if isinstance(base, str) else self._walk(base)
                yield from self._walk(child)
            elif child.tag == f"{XS}group" and child.get("ref"):
                yield from self._walk(self._groups[str(child.get("ref"))])
            elif child.tag in (f"{XS}sequence", f"{XS}choice", f"{XS}all", f"{XS}complexContent"):
                yield from self._walk(child)

    def _member(self, element: etree._Element) -> Member:
        reference = element.get("ref")
        if reference is None:
            return Member(str(element.get("name")), self._type_of(element))
        declared = self._elements[reference]
        return Member(reference, self._type_of(declared), abstract=declared.get("abstract") == "true")

    def _attributes(self, kind: etree._Element) -> tuple[etree._Element, ...]:
        own = tuple(kind.iter(f"{XS}attribute"))
        extension = next(kind.iter(f"{XS}extension"), None)
        base = self._found(str(extension.get("base"))) if extension is not None else ""
        return own if isinstance(base, str) else (*self._attributes(base), *own)


def _named(documents: Sequence[etree._Element], tag: str) -> dict[str, etree._Element]:
    return {str(each.get("name")): each for root in documents for each in root.findall(f"{XS}{tag}")}


def _written(value: Json) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _named_path(tree: etree._ElementTree, path: str | None) -> str:
    """The path of an element by names: libxml2 gives it by positions."""
    prefixes = {prefix: name for prefix, name in tree.getroot().nsmap.items() if prefix}
    at = tree.xpath(path, namespaces=prefixes) if path else []
    if not isinstance(at, list) or not at:
        return ""
    element = at[0]
    names = [etree.QName(each).localname for each in (element, *element.iterancestors())]  # type: ignore[union-attr]
    return "".join(f"/{name}" for name in reversed(names[:-1]))
