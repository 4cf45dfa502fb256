"""Pages where a person settles what two systems say differently: conflicts, links of accounts, owners of fields."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form
from starlette.responses import Response

from runtime.operations.systems import conflicts, links
from runtime.operations.systems.owners import change_owner
from runtime.operations.views.conflicts import conflicts as conflict_list
from runtime.operations.views.links import proposed_links
from runtime.store.owners import owners_of
from runtime.web.access import AGREE, CONFIGURE, SEE, Who, routes
from runtime.web.pages import go, page
from runtime.web.running import Running
from runtime.web.staff import organisation_or_404
from runtime.web.work import known
from sync.owners import RULES

ROUTES = routes("sync")
Text = Annotated[str, Form(max_length=100)]


@ROUTES.get("/o/{organisation_id}/conflicts", dependencies=[SEE])
def show_conflicts(app: Running, organisation_id: str, notice: str = "") -> Response:
    """Show values that lost against another system's."""
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        view = conflict_list(db, organisation.id, with_settled=True)
    return page("conflicts.html", organisation=organisation, view=view, notice=notice)


@ROUTES.post("/o/{organisation_id}/conflicts/{conflict_id}/restore", dependencies=[AGREE], status_code=303)
def restore(app: Running, who: Who, organisation_id: str, conflict_id: str) -> Response:
    """Make the losing value count."""
    known(app, organisation_id)
    conflicts.restore(app, organisation_id=organisation_id, conflict_id=conflict_id, actor=who)
    return go(f"/o/{organisation_id}/conflicts", "restored")


@ROUTES.post("/o/{organisation_id}/conflicts/{conflict_id}/keep", dependencies=[AGREE], status_code=303)
def keep(app: Running, who: Who, organisation_id: str, conflict_id: str) -> Response:
    """Let what stands stand."""
    known(app, organisation_id)
    conflicts.keep(app, organisation_id=organisation_id, conflict_id=conflict_id, actor=who)
    return go(f"/o/{organisation_id}/conflicts", "kept")


@ROUTES.get("/o/{organisation_id}/links", dependencies=[SEE])
def show_links(app: Running, organisation_id: str, notice: str = "") -> Response:
    """Show accounts of the CRM that a person is asked about."""
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        view = proposed_links(db, organisation.id)
    return page("links.html", organisation=organisation, view=view, notice=notice)


@ROUTES.post("/o/{organisation_id}/links/{proposal_id}/confirm", dependencies=[AGREE], status_code=303)
def confirm(app: Running, who: Who, organisation_id: str, proposal_id: str, customer: Text) -> Response:
    """Say that an account is this customer."""
    known(app, organisation_id)
    links.confirm(app, organisation_id=organisation_id, proposal_id=proposal_id, customer_id=customer, actor=who)
    return go(f"/o/{organisation_id}/links", "linked")


@ROUTES.post("/o/{organisation_id}/links/{proposal_id}/separate", dependencies=[AGREE], status_code=303)
def separate(app: Running, who: Who, organisation_id: str, proposal_id: str) -> Response:
    """Say that an account is another customer."""
    known(app, organisation_id)
    links.separate(app, organisation_id=organisation_id, proposal_id=proposal_id, actor=who)
    return go(f"/o/{organisation_id}/links", "separated")


@ROUTES.get("/o/{organisation_id}/owners", dependencies=[SEE])
def show_owners(app: Running, organisation_id: str, notice: str = "") -> Response:
    """Show whose word counts for which field."""
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        owners = owners_of(db, organisation.id)
    return page("owners.html", organisation=organisation, rules=RULES, owners=owners, notice=notice)


@ROUTES.post("/o/{organisation_id}/owners", dependencies=[CONFIGURE], status_code=303)
def change(app: Running, who: Who, organisation_id: str, field: Text, owner: Text) -> Response:
    """Let somebody else have the last word about a field."""
    known(app, organisation_id)
    change_owner(app, organisation_id=organisation_id, field=field, owner=owner, actor=who)
    return go(f"/o/{organisation_id}/owners", "owner_changed")
