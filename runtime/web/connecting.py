"""Ending connections: from our page, and from the vendors' own pages."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import HTTPException, Request
from starlette.responses import Response

from connectors import registry
from connectors.contract import Role
from runtime.operations.systems.disconnect import disconnect, look_after
from runtime.web.access import ANYONE, CONNECT, Who, routes
from runtime.web.pages import go, page
from runtime.web.running import Running
from runtime.web.work import known

ROUTES = routes("connections")
# The parameter in which a vendor names the account that was disconnected, where it names one.
_ACCOUNT_NAMES = ("realmId", "tenantId", "account")


@ROUTES.post("/o/{organisation_id}/connections/{role}/disconnect", dependencies=[CONNECT], status_code=303)
def end(app: Running, who: Who, organisation_id: str, role: Role) -> Response:
    """End a connection."""
    known(app, organisation_id)
    disconnect(app, organisation_id=organisation_id, role=role, actor=who)
    return go(f"/o/{organisation_id}/connections", "disconnected")


@ROUTES.get("/disconnected/{system}", dependencies=[ANYONE])
def ended_there(app: Running, system: str, request: Request) -> Response:
    """Receive a person who ended the connection at the vendor: it is looked at, never taken from the address."""
    if system not in registry.SYSTEMS:
        raise HTTPException(404)
    look_after(app, system=system, account=named_account(request.query_params))
    return page("disconnected.html", title=registry.declaration(system).title)


def named_account(query: Mapping[str, str]) -> str:
    """Return the account that a vendor's address names, empty where it names none."""
    return next((value for name in _ACCOUNT_NAMES if (value := query.get(name))), "")
