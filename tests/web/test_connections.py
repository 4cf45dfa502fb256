"""The page of connections: what is connected says so, and only what is not offers to be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.roles import MemberRole
from runtime.store import tables as t
from tests.web.people import Browser, PublicSite, public_site

PAGE = "/o/org-a/connections"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[PublicSite]:
    with public_site(tmp_path) as site:
        yield site


def _offered(browser: Browser) -> set[str]:
    return set(re.findall(r'href="/connect/(\w+)', browser.get(PAGE).text))


def _state(site: PublicSite, role: str, status: str) -> None:
    with site.app.store.write() as db:
        its = (t.connection.c.organisation_id == "org-a") & (t.connection.c.role == role)
        db.execute(t.connection.update().where(its).values(status=status))


def test_connect_is_hidden_for_a_role_that_is_taken_and_disconnect_is_shown(site: PublicSite) -> None:
    owner = site.browser("olga", org_a=MemberRole.OWNER)
    text = owner.get(PAGE).text
    assert _offered(owner) == {"salesforce", "stripe"}, "Xero is connected, so neither ledger is offered; Stripe broke"
    assert "Connect to Salesforce" in text
    assert "Connect again" in text
    assert "Connect to Stripe" not in text
    assert text.count("/disconnect") == 2
    assert "xero account" in text
    assert "29 Jan 2026" in text, "since when"
    _state(site, "ledger", "disconnected")
    assert _offered(owner) == {"xero", "quickbooks", "salesforce", "stripe"}
    assert owner.get(PAGE).text.count("/disconnect") == 1


def test_only_who_may_connect_is_offered_it(site: PublicSite) -> None:
    accountant = site.browser("anna", org_a=MemberRole.ACCOUNTANT)
    assert _offered(accountant) == set()
    assert "Disconnect" not in accountant.get(PAGE).text.replace("Disconnected", "")
    assert accountant.get("/connect/xero?organisation=org-a").status_code == 403
