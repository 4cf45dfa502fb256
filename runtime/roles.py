"""Who may do what: the roles of an organisation's members, and what each of them is granted.

This table is the only place that says so. A route names the permission that it needs (`runtime.web.access`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Permission(StrEnum):
    """One kind of thing that a person does in an organisation."""

    SEE = "see"  # every page that only shows
    MATCH = "match"  # say what money is for: confirm, reject, take back, write off a small rest, bring statements
    CHASE = "chase"  # answer payers: disputes, questions, reminders in doubt
    AGREE = "agree"  # settle what two systems say differently, and what was set aside
    CONFIGURE = "configure"  # policies, words, what bank accounts prove, how differences are booked, whose word counts
    SWITCH = "switch"  # let something leave the house: sending, thanks, paying by card
    CONNECT = "connect"  # connect systems and end connections
    PEOPLE = "people"  # invite people, change their roles, remove them
    EXPORT = "export"  # take data away as a file


class MemberRole(StrEnum):
    """What a person is in an organisation."""

    OWNER = "owner"
    ACCOUNTANT = "accountant"
    COLLECTOR = "collector"
    VIEWER = "viewer"
    AUDITOR = "auditor"


GRANTS: Mapping[MemberRole, frozenset[Permission]] = {
    MemberRole.OWNER: frozenset(Permission),
    MemberRole.ACCOUNTANT: frozenset(
        {
            Permission.SEE,
            Permission.MATCH,
            Permission.CHASE,
            Permission.AGREE,
            Permission.CONFIGURE,
            Permission.EXPORT,
        }
    ),
    MemberRole.COLLECTOR: frozenset({Permission.SEE, Permission.CHASE}),
    MemberRole.VIEWER: frozenset({Permission.SEE}),
    MemberRole.AUDITOR: frozenset({Permission.SEE, Permission.EXPORT}),
}


def roles_with(permission: Permission) -> list[MemberRole]:
    """Return the roles that are granted `permission`."""
    return [role for role in MemberRole if permission in GRANTS[role]]
