"""Whose word counts for a field: one table, of which an administrator can change what may sensibly differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Owner(StrEnum):
    """Whose word counts for a field."""

    LEDGER = "ledger"
    SHARED = "shared"
    CRM = "crm"


Owners = Mapping[str, Owner]


@dataclass(frozen=True, slots=True)
class Rule:
    """A field, who owns it unless an administrator decides otherwise, among whom, and why it is so."""

    field: str
    owner: Owner
    choices: tuple[Owner, ...]
    why: str

    @property
    def fixed(self) -> bool:
        """Whether nobody can change the owner."""
        return len(self.choices) == 1


_LEDGER = (Owner.LEDGER,)
_ANY = (Owner.LEDGER, Owner.SHARED, Owner.CRM)
_SAID = (Owner.SHARED, Owner.CRM)  # the ledger has no place for it: the CRM or, shared, whoever said it here first

# A shared field flows both ways; when both sides changed it, the ledger's value stands and the other one is kept as a
# conflict that a person can restore.
RULES: tuple[Rule, ...] = (
    Rule("total", Owner.LEDGER, _LEDGER, "An amount is a legal fact of the books."),
    Rule("balance", Owner.LEDGER, _LEDGER, "What is open follows from the bookings in the ledger."),
    Rule("number", Owner.LEDGER, _LEDGER, "The ledger counts invoice numbers without gaps."),
    Rule("issued_on", Owner.LEDGER, _LEDGER, "The date of issue decides the tax period."),
    Rule("status", Owner.LEDGER, _LEDGER, "Drafts, voids and payments happen in the ledger."),
    Rule("name", Owner.LEDGER, _LEDGER, "The ledger prints it on invoices; an account's name stays the CRM's own."),
    Rule("due_on", Owner.SHARED, _ANY, "Accounting and sales both agree on dates with the customer."),
    Rule("purchase_order", Owner.SHARED, _ANY, "The customer names it to whoever they talk to."),
    Rule("email", Owner.SHARED, _ANY, "Both sides hear of a new address."),
    Rule("parent_id", Owner.SHARED, _ANY, "The ledger's parent counts; the CRM's fills the gap where it names none."),
    Rule("note", Owner.CRM, _ANY, "Sales keep notes; the ledger gets them as lines of the invoice's history."),
    Rule("disputed", Owner.CRM, _SAID, "Disputes are noted and settled by the people who talk to the customer."),
    Rule("dispute_reason", Owner.CRM, _SAID, "It belongs to the dispute."),
    Rule("promised_on", Owner.CRM, _SAID, "Promises are made to the people who talk to the customer."),
)
_RULES: Mapping[str, Rule] = {rule.field: rule for rule in RULES}
OWNERS: Owners = {rule.field: rule.owner for rule in RULES}


def owners(decided: Mapping[str, str]) -> Owners:
    """Return the table with an administrator's decisions; one that is no longer possible counts no more."""
    possible = {
        field: Owner(owner) for field, owner in decided.items() if field in _RULES and owner in _RULES[field].choices
    }
    return {**OWNERS, **possible}


def choose(field: str, owner: str) -> Owner:
    """Check an administrator's decision; ValueError with a line for them when it is not possible."""
    rule = _RULES.get(field)
    if rule is None:
        raise ValueError(f"there is no field {field}: choose one of {', '.join(each.field for each in RULES)}")
    if owner in rule.choices:
        return Owner(owner)
    if rule.fixed:
        raise ValueError(f"{field} always belongs to the {rule.owner}: {rule.why}")
    raise ValueError(f"the owner of {field} is one of {', '.join(rule.choices)}, not {owner}")
