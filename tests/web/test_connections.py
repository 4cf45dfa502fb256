"""The page of connections: what is connected says so, and only what is not offers to be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from connectors import registry
from runtime.roles import MemberRole
from runtime.store import tables as t
from runtime.web.frame import framed, standing_systems
from tests.web.people import Browser, PublicSite, public_site
from tests.web.test_browser import STAFF_PAGES

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


def _frame(browser: Browser, path: str = "/o/org-a") -> list[str]:
    """What the frame of a page says of each system, a line each."""
    (strip,) = re.findall(r'<div class="systems">(.*?)</ul>', browser.get(path).text, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", each).split()) for each in re.findall(r"<li>.*?</li>", strip, re.DOTALL)]


def _read(site: PublicSite, system: str, *, kinds: int, minutes_ago: float) -> None:
    """As if so many kinds of a system were read so long ago."""
    since = site.time.now - timedelta(minutes=minutes_ago)
    rows = [
        {"connection_id": f"con-org-a-{system}", "kind": kind.value, "since": since}
        for kind in registry.declaration(system).reads[:kinds]
    ]
    with site.app.store.write() as db:
        db.execute(t.watermark.delete())
        db.execute(t.watermark.insert(), rows)


def test_every_page_of_an_organisation_says_how_its_systems_stand(site: PublicSite) -> None:
    owner = site.browser("olga", org_a=MemberRole.OWNER)
    site.books.call("rem-call", "acme", "inv-5", minor=12_000)
    shown = ["Reconnect needed Stripe stripe account, since 29 Jan 2026 Reconnect"]
    for path in (each for each in STAFF_PAGES.values() if each.startswith("/o/") and not each.endswith("/nothing")):
        assert _frame(owner, path)[:1] == shown, path
        assert f'href="{PAGE}"' in owner.get(path).text


def test_in_step_is_only_what_was_read_of_late(site: PublicSite) -> None:
    owner = site.browser("olga", org_a=MemberRole.OWNER)
    kinds = len(registry.declaration("xero").reads)

    def xero() -> str:
        return _frame(owner)[1].partition(" Xero")[0]

    assert xero() == "First reading"
    _read(site, "xero", kinds=kinds - 1, minutes_ago=1)
    assert xero() == "First reading", "one kind was never read"
    _read(site, "xero", kinds=kinds, minutes_ago=59)
    assert xero() == "In step"
    _read(site, "xero", kinds=kinds, minutes_ago=61)
    assert xero().startswith("Behind, read up to 10 Mar 2026")
    _state(site, "ledger", "disconnected")
    assert xero() == "Off"


def test_who_may_not_connect_sees_the_state_alone(site: PublicSite) -> None:
    viewer = site.browser("vera", org_a=MemberRole.VIEWER)
    assert _frame(viewer)[0] == "Reconnect needed Stripe stripe account, since 29 Jan 2026"


def test_the_frame_shows_nothing_of_another_organisation(site: PublicSite) -> None:
    owner = site.browser("oscar", org_b=MemberRole.OWNER)
    assert "account, since" not in owner.get("/o/org-b").text
    assert "None yet" in owner.get("/o/org-b").text


def test_the_frame_takes_one_query(site: PublicSite) -> None:
    asked: list[str] = []

    def note(*told: Any) -> None:  # noqa: ANN401 - as SQLAlchemy tells it
        asked.append(told[2])

    event.listen(site.app.store.engine, "before_cursor_execute", note)
    with framed(site.app):
        assert len(standing_systems("org-a")) == 2
    event.remove(site.app.store.engine, "before_cursor_execute", note)
    assert len(asked) == 1
