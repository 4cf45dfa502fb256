"""The page of a payer whose link has expired: it says so, shows nothing of whose it was, and has a new one sent."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from runtime.operations.payers.short_links import short_link
from runtime.portal_links import LIFETIME_DAYS, PortalLinks
from runtime.store import tables as t
from tests.http_client import client_of
from tests.operations.firm import Firm
from tests.web.conftest import Site
from tests.web.firm_site import payers_page, served_firm

WAIT_SECONDS = 20.0  # for what is done behind the answer


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Firm, str]]:
    with served_firm(tmp_path) as (firm, address):
        firm.switch_sending()
        yield firm, address


def _expired(site: Site, customer_id: str = "acme") -> str:
    token = site.token(customer_id)
    site.time.now += timedelta(days=LIFETIME_DAYS)
    return token


def _until(is_so: Callable[[], bool]) -> None:
    ends = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < ends, "it was not done"
        time.sleep(0.02)


def test_the_button_has_a_link_mailed_that_opens_the_page(served: tuple[Firm, str]) -> None:
    firm, address = served
    token = payers_page(firm).removeprefix("/p/")
    firm.time.advance(days=LIFETIME_DAYS)
    with client_of(address, follow_redirects=True) as http:
        shown = http.get(f"/p/{token}").text
        action = re.search(r'<form class="actions" method="post" action="([^"]*)">', shown)
        assert action is not None
        asked = http.post(action[1])
        assert "a new link is on its way" in asked.text
        assert "<form" not in asked.text, "asked once is asked"
        _until(lambda: bool(firm.mailbox.mails))
        (mail,) = firm.mailbox.mails
        assert mail.recipients == ("acme@example.com",)
        page = next(word for word in mail.text.split() if "/p/" in word)
        assert "INV-1001" in http.get(page.removeprefix(address)).text


def test_the_page_tells_nothing_of_whose_it_was(site: Site) -> None:
    shown = site.http.get(f"/new-link/{_expired(site)}").text
    assert "Harbour Joinery Ltd" in shown
    assert not [word for word in ("Acme", "acme@", "example.com", "INV-") if word in shown]


def test_every_answer_is_the_same(site: Site) -> None:
    """Whether they have an address, want no mails, or sending is off (here no mail server is set up either)."""
    with site.app.store.write() as db:
        db.execute(update(t.customer).where(t.customer.c.id == "bolt").values(email=None))
    tokens = [_expired(site), site.token("bolt")]
    site.time.now += timedelta(days=LIFETIME_DAYS)
    answers = [site.http.post(f"/new-link/{token}") for token in tokens for _ in range(2)]
    said = [site.http.get(answer.headers["location"]) for answer in answers]
    assert {answer.status_code for answer in answers} == {303}
    assert len({shown.text for shown in said}) == 1


@pytest.mark.parametrize("change", ["forged", "good", "ended"])
def test_only_a_link_of_ours_that_expired_by_itself_is_offered_a_new_one(site: Site, change: str) -> None:
    token = site.token()
    if change == "forged":
        token = PortalLinks(b"k" * 32, site.time).link("org-a", "acme")
    if change == "ended":
        site.time.now += timedelta(seconds=1)
        site.http.post("/o/org-a/customers/acme/end-links")
    if change != "good":
        site.time.now += timedelta(days=LIFETIME_DAYS)
    for answer in (site.http.get(f"/new-link/{token}"), site.http.post(f"/new-link/{token}")):
        assert answer.status_code == 404
        assert "Send me a new link" not in answer.text
    assert "This link does not work any more" in answer.text


def test_a_form_of_another_site_is_refused(site: Site) -> None:
    path = f"/new-link/{_expired(site)}"
    assert site.http.post(path, headers={"Origin": "https://attacker.example"}).status_code == 403
    assert site.http.post(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_an_expired_short_address_leads_there_too(site: Site) -> None:
    with site.app.store.write() as db:
        address = short_link(site.app, db, organisation_id="org-a", customer_id="acme", reminder_id="rem-x")
    site.time.now += timedelta(days=LIFETIME_DAYS)
    with client_of(site.address, follow_redirects=True) as http:
        assert "Send me a new link" in http.get(f"/t/{address.rsplit('/', 1)[1]}").text


def test_it_is_said_in_the_payers_language(site: Site) -> None:
    with site.app.store.write() as db:
        db.execute(update(t.customer).where(t.customer.c.id == "acme").values(language="fr"))
    path = f"/new-link/{_expired(site)}"
    assert "M’envoyer un nouveau lien" in site.http.get(path, headers={"Accept-Language": "de"}).text
    answer: httpx.Response = site.http.post(path)
    assert "Merci. Si nous pouvons écrire" in site.http.get(answer.headers["location"]).text
