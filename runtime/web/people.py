"""The page of people: who belongs to an organisation, as what, and who is invited."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form
from starlette.responses import Response

from runtime.app import App
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.people.members import change_role, invite, remove_member, withdraw_invitation
from runtime.roles import GRANTS, MemberRole
from runtime.store import people
from runtime.web.access import PEOPLE, Who, routes
from runtime.web.pages import go, page
from runtime.web.running import Running
from runtime.web.staff import organisation_or_404

ROUTES = routes("people")
Address = Annotated[str, Form(max_length=400)]
ChosenRole = Annotated[MemberRole, Form()]


@ROUTES.get("/o/{organisation_id}/people", dependencies=[PEOPLE])
def show_people(app: Running, organisation_id: str, notice: str = "") -> Response:
    """List members and invitations."""
    return _show(app, organisation_id, notice=notice)


@ROUTES.post("/o/{organisation_id}/people/invite", dependencies=[PEOPLE])
def take_invitation(app: Running, who: Who, organisation_id: str, email: Address, role: ChosenRole) -> Response:
    """Invite somebody; the link is shown this once."""
    with app.store.read() as db:
        organisation_or_404(db, organisation_id)
    try:
        link = invite(app, organisation_id=organisation_id, email=email, role=role, actor=who)
    except (InputError, RefusedError) as error:
        return _show(app, organisation_id, given=email, wrong=str(error))
    return _show(app, organisation_id, link=link, given=email)


@ROUTES.post("/o/{organisation_id}/people/withdraw", dependencies=[PEOPLE], status_code=303)
def withdraw(app: Running, who: Who, organisation_id: str, email: Address) -> Response:
    """Let an invitation be over."""
    withdraw_invitation(app, organisation_id=organisation_id, email=email, actor=who)
    return go(f"/o/{organisation_id}/people", "invitation_withdrawn")


@ROUTES.post("/o/{organisation_id}/people/{person_id}/role", dependencies=[PEOPLE], status_code=303)
def change(app: Running, who: Who, organisation_id: str, person_id: str, role: ChosenRole) -> Response:
    """Give a member another role."""
    change_role(app, organisation_id=organisation_id, person_id=person_id, role=role, actor=who)
    return go(f"/o/{organisation_id}/people", "role_changed")


@ROUTES.post("/o/{organisation_id}/people/{person_id}/remove", dependencies=[PEOPLE], status_code=303)
def remove(app: Running, who: Who, organisation_id: str, person_id: str) -> Response:
    """Let a person be no member any more."""
    remove_member(app, organisation_id=organisation_id, person_id=person_id, actor=who)
    return go(f"/o/{organisation_id}/people", "member_removed")


def _show(
    app: App, organisation_id: str, *, link: str = "", given: str = "", wrong: str = "", notice: str = ""
) -> Response:
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        members = people.members(db, organisation_id)
        invited = people.invitations(db, organisation_id, app.clock())
    return page(
        "people.html",
        status=400 if wrong else 200,
        organisation=organisation,
        members=members,
        invited=invited,
        grants=GRANTS,
        link=link,
        given=given,
        wrong=wrong,
        notice=notice,
    )
