"""The custom objects and fields of the org, read from the sfdx project that is installed in a real one."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lxml import etree

from sandbox.salesforce.field import Field

PROJECT = Path(__file__).resolve().parents[2] / "addon_manifest" / "salesforce"
OBJECTS = PROJECT / "force-app" / "main" / "default" / "objects"
_NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True)


class MetadataError(Exception):
    """The project cannot be read; the text names the file and what is wrong with it."""


@cache
def custom_objects() -> MappingProxyType[str, tuple[Field, ...]]:
    """Return the project's fields by object: all of a custom object (its Name included), the added ones of others."""
    if not OBJECTS.is_dir():
        raise MetadataError(f"the Salesforce stand-in needs {OBJECTS}: run it from a checkout")
    found = {}
    for folder in sorted(each for each in OBJECTS.iterdir() if each.is_dir()):
        fields = tuple(_field(path) for path in sorted((folder / "fields").glob("*.field-meta.xml")))
        name_field = (_name_field(folder / f"{folder.name}.object-meta.xml"),) if folder.name.endswith("__c") else ()
        found[folder.name] = (*name_field, *fields)
    return MappingProxyType(found)


def _name_field(path: Path) -> Field:
    root = _root(path, "CustomObject")
    label = _text(root, "nameField/label", path)
    if _text(root, "nameField/type", path) == "AutoNumber":
        pattern = _text(root, "nameField/displayFormat", path)
        return Field("Name", "string", 80, writable=False, label=label, numbered=pattern)
    return Field("Name", "string", 80, label=label)


def _field(path: Path) -> Field:
    root = _root(path, "CustomField")
    kind = _text(root, "type", path)
    if kind not in _KINDS:
        raise MetadataError(f"{path}: the stand-in does not know fields of type {kind}")
    name = _text(root, "fullName", path)
    if path.name != f"{name}.field-meta.xml":
        raise MetadataError(f"{path}: the file is not named after its field {name}")
    values = tuple(_text(each, "fullName", path) for each in _all(root, "valueSet/valueSetDefinition/value"))
    defaults = [
        _text(each, "fullName", path)
        for each in _all(root, "valueSet/valueSetDefinition/value")
        if _flag(each, "default")
    ]
    return Field(
        name,
        _KINDS[kind],
        label=_text(root, "label", path),
        required=_flag(root, "required"),
        external_id=_flag(root, "externalId"),
        unique=_flag(root, "unique"),
        case_sensitive=_flag(root, "caseSensitive"),
        values=values,
        restricted=_flag(root, "valueSet/restricted"),
        default=defaults[0] if defaults else None,
        **_shape(root, kind, path),
    )


def _shape(root: Any, kind: str, path: Path) -> dict[str, Any]:  # noqa: ANN401 - lxml's element
    """Return what only fields of this type state: a length, digits, the object that is referred to."""
    if kind in ("Text", "LongTextArea"):
        return {"length": int(_text(root, "length", path))}
    if kind == "Number":
        return {"precision": int(_text(root, "precision", path)), "scale": int(_text(root, "scale", path))}
    if kind == "Lookup":
        return {
            "length": 18,
            "refers_to": _text(root, "referenceTo", path),
            "restricts_delete": _text(root, "deleteConstraint", path) == "Restrict",
        }
    return {}


_KINDS = {
    "Checkbox": "boolean",
    "Date": "date",
    "DateTime": "datetime",
    "LongTextArea": "textarea",
    "Lookup": "reference",
    "Number": "double",
    "Picklist": "picklist",
    "Text": "string",
}


def _root(path: Path, tag: str) -> Any:  # noqa: ANN401
    try:
        root = etree.parse(str(path), _PARSER).getroot()
    except (OSError, etree.XMLSyntaxError) as error:
        raise MetadataError(f"{path}: {error}") from error
    if root.tag != f"{_NAMESPACE}{tag}":
        raise MetadataError(f"{path}: the root element is {root.tag}, not {tag} of the Metadata API")
    return root


def _all(element: Any, path: str) -> list[Any]:  # noqa: ANN401
    found: list[Any] = element.findall("/".join(f"{_NAMESPACE}{step}" for step in path.split("/")))
    return found


def _flag(element: Any, path: str) -> bool:  # noqa: ANN401
    found = _all(element, path)
    return bool(found) and found[0].text == "true"


def _text(element: Any, path: str, file: Path) -> str:  # noqa: ANN401
    found = _all(element, path)
    if not found or not found[0].text:
        raise MetadataError(f"{file}: {path} is missing")
    return str(found[0].text)
