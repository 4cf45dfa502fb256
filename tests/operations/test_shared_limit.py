"""Organisations of one owner that switched it on count contacts with a person together, and see nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from reminders.evidence import Channel
from runtime.operations.errors import RefusedError
from runtime.operations.organisations import OWNER, create_organisation
from runtime.operations.people.members import change_role
from runtime.operations.reaching.contacted import contacts
from runtime.operations.reaching.shared_limit import share_contact, switch_shared_limit, unshare_contact
from runtime.operations.reminding.plan import decide, plan_reminders
from runtime.operations.reminding.send import send_reminders
from runtime.roles import MemberRole
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.isolation import within
from tests.operations.firm import Firm
from tests.store.build import put

ACME = "acme@example.com"
OWNED_BY = "ada@example.com"


def _person(firm: Firm, email: str, *organisations: str, role: MemberRole = MemberRole.OWNER) -> str:
    with firm.app.store.write() as db:
        put(db, t.person, id=f"person {email}", email=email, name=email)
        for each in organisations:
            member = {"organisation_id": each, "person_id": f"person {email}", "role": role.value}
            db.execute(insert(t.membership).values(**member, since=firm.app.clock(), added_by="owner"))
    return f"person {email}"


def _other(firm: Firm) -> str:
    return create_organisation(firm.app, name="Other", base_currency="GBP", time_zone="Europe/London", country="GB").id


def _share(firm: Firm, organisation_id: str, actor: str = OWNED_BY, *, on: bool = True) -> None:
    with within(organisation_id):  # as a page does it
        switch_shared_limit(firm.app, organisation_id=organisation_id, on=on, actor=actor)


def _organisation(firm: Firm, organisation_id: str) -> Organisation:
    with firm.app.store.read() as db:
        found = connections.organisation(db, organisation_id)
    assert found is not None
    return found


def _contacted(firm: Firm, organisation_id: str, *days_ago: int, address: str = "ACME@example.com ") -> None:
    """Messages of an organisation that left to Acme's mailbox."""
    with within(organisation_id), firm.app.store.write() as db:
        for days in days_ago:
            at = firm.app.clock() - timedelta(days=days)
            share_contact(db, organisation_id, f"message {days}", channel=Channel.EMAIL, address=address, at=at)


def _holds(firm: Firm) -> list[str]:
    with within(firm.id), firm.app.store.read() as db:
        organisation = _organisation(firm, firm.id)
        decided = decide(db, organisation, now=firm.app.clock(), freshness_is_reported=True).decisions
    return [hold.reason for each in decided if each.evidence.item.number == "INV-1001" for hold in each.holds]


def _send(firm: Firm) -> int:
    firm.switch_sending()
    plan_reminders(firm.app, firm.id)
    return int(send_reminders(firm.app, firm.id)["sent"])


def _two(firm: Firm) -> str:
    """A second organisation of the same owner."""
    other = _other(firm)
    _person(firm, OWNED_BY, firm.id, other)
    return other


def test_contacts_of_the_owners_other_organisations_count_where_all_switched_it_on(any_stored_firm: Firm) -> None:
    firm = any_stored_firm
    other = _two(firm)
    _share(firm, other)
    _contacted(firm, other, 1, 3)
    assert _holds(firm) == [], "this organisation has not switched it on"
    _share(firm, firm.id)
    said = "The customer was already contacted 2 times this week, counting your other organisations; the limit is 2."
    assert _holds(firm) == [said]
    assert "Other" not in said
    assert _send(firm) == 1, "Bolt hears from us as before"
    _share(firm, firm.id, on=False)
    assert _holds(firm) == []


def test_what_this_organisation_sends_is_told_the_others_and_counted_once_here(firm: Firm) -> None:
    other = _two(firm)
    for each in (firm.id, other):
        _share(firm, each)
    assert _send(firm) == 2
    with firm.app.store.read() as db:
        rows = db.execute(select(t.shared_contact)).all()
        there = contacts(
            db, _organisation(firm, other), customer_ids=(), addresses=["Acme@Example.COM"], now=firm.app.clock()
        )
        here = contacts(db, _organisation(firm, firm.id), customer_ids=(), addresses=[ACME], now=firm.app.clock())
    assert len(rows) == 2 and ACME not in str(rows)
    assert len(there.of_others(ACME)) == 1
    assert (len(here.of_others(ACME)), len(here.by_address[ACME])) == (0, 1), "its own message is no other's"


def test_one_message_of_theirs_lets_one_of_ours_go(firm: Firm) -> None:
    other = _two(firm)
    for each in (firm.id, other):
        _share(firm, each)
    _contacted(firm, other, 1)
    assert _send(firm) == 2


def test_what_did_not_leave_counts_for_nobody(firm: Firm) -> None:
    other = _two(firm)
    for each in (firm.id, other):
        _share(firm, each)
    _contacted(firm, other, 1, 3)
    with within(other), firm.app.store.write() as db:
        unshare_contact(db, other, "message 1")
    assert _holds(firm) == []


def test_what_is_older_than_a_week_is_not_kept(firm: Firm) -> None:
    _share(firm, firm.id, OWNER)
    _contacted(firm, firm.id, 9, 8)
    _contacted(firm, firm.id, 1)
    assert len(firm.rows(t.shared_contact)) == 1


def test_an_organisation_of_another_owner_shares_nothing(firm: Firm) -> None:
    other = _other(firm)
    _person(firm, OWNED_BY, firm.id)
    _person(firm, "bob@example.com", other)
    _share(firm, firm.id)
    _share(firm, other, "bob@example.com")
    _contacted(firm, other, 1, 3)
    assert _holds(firm) == []
    assert _organisation(firm, firm.id).limit_key != _organisation(firm, other).limit_key


def test_only_an_owner_shares_and_only_as_long_as_they_are_one(firm: Firm) -> None:
    other = _two(firm)
    _person(firm, "clara@example.com", firm.id, role=MemberRole.ACCOUNTANT)
    with pytest.raises(RefusedError, match="an owner"):
        _share(firm, firm.id, "clara@example.com")
    bob = _person(firm, "bob@example.com", firm.id)
    with pytest.raises(RefusedError, match="an owner"):
        _share(firm, firm.id, OWNER)
    for each in (firm.id, other):
        _share(firm, each)
    assert _organisation(firm, firm.id).limit_key == _organisation(firm, other).limit_key is not None
    change_role(
        firm.app,
        organisation_id=firm.id,
        person_id=f"person {OWNED_BY}",
        role=MemberRole.ACCOUNTANT,
        actor=bob,
    )
    assert _organisation(firm, firm.id).limit_key is None
    assert _organisation(firm, other).limit_key is not None
    assert [row.detail for row in firm.rows(t.event, action="limit_sharing_switched")] == ["on", "off"]
