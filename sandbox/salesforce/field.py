"""A column of the stand-in org."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """A column. `kind` is the describe call's type; `refers_to` names the object a reference points to.

    A `restricted` picklist takes only its `values`; a record that is created without a value gets `default`.
    `numbered` is the pattern of a name that the org itself counts up, `I-{000000}`.
    `restricts_delete`: what is referred to cannot be deleted while this record stands.
    """

    name: str
    kind: str
    length: int = 255
    required: bool = False
    writable: bool = True
    external_id: bool = False
    unique: bool = False
    case_sensitive: bool = False
    refers_to: str | None = None
    restricts_delete: bool = False
    precision: int = 18
    scale: int = 2
    values: tuple[str, ...] = ()
    restricted: bool = False
    default: str | None = None
    label: str = ""
    numbered: str = ""

    def name_of(self, number: int) -> str:
        """Return the name of record `number`, of a name that is counted."""
        return re.sub(r"\{(0+)\}", lambda zeros: f"{number:0{len(zeros[1])}}", self.numbered)

    @property
    def relationship(self) -> str | None:
        """The name under which a parent is given or read (Account__c: Account__r, ParentId: Parent)."""
        if self.kind != "reference":
            return None
        return f"{self.name[:-1]}r" if self.name.endswith("__c") else self.name.removesuffix("Id")

    def key(self, value: object) -> str:
        """Return the form in which two values of a unique field are the same."""
        text = str(value).strip()
        return text if self.case_sensitive else text.casefold()
