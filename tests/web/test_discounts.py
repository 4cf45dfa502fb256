"""The page of early-payment discounts, and what a payer reads of theirs in each language."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from runtime.operations.systems.treatments import set_treatment
from runtime.store import tables as t
from tests.web.build import NOW, TODAY, ledger_accounts
from tests.web.conftest import Site

PAGE = "/o/org-a/discounts"
SHOWN = {"minor": "1320", "currency": "GBP"}


def _states(site: Site) -> dict[str, str]:
    with site.app.store.read() as db:
        return {row.document_id: row.state for row in db.execute(select(t.discount))}


def test_what_waits_is_shown_and_refused_without_a_script(site: Site) -> None:
    page = site.http.get(PAGE).text
    for words in ("INV-7", "£13.20", "£646.80", "2/10 net 30", "INV-3", "Offered now", "Granted", "dana@example.com"):
        assert words in page
    assert "Nothing can be granted yet: name the account for discount in the settings" in page
    assert f"{PAGE}/inv-7/grant" not in page
    assert site.http.post(f"{PAGE}/inv-7/refuse", data=SHOWN | {"minor": "1319"}).status_code == 409
    assert site.http.post(f"{PAGE}/inv-3/refuse", data={"minor": "900", "currency": "GBP"}).status_code == 409
    answer = site.http.post(f"{PAGE}/inv-7/refuse", data=SHOWN)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?notice=discount_refused")
    assert _states(site)["inv-7"] == "refused"
    assert site.http.post("/o/org-b/discounts/inv-7/refuse", data=SHOWN).status_code == 404


def test_with_an_account_it_can_be_granted_where_nothing_else_is_open(site: Site) -> None:
    ledger_accounts(site.app, "org-a", {"610": "Discounts"}, currency=None, purpose="other")
    set_treatment(site.app, organisation_id="org-a", kind="discount", account="610", actor="owner")
    with site.app.store.write() as db:
        db.execute(t.connection.update().values(status="disconnected"))  # there is nothing to read again
    assert f"{PAGE}/inv-7/grant" not in site.http.get(PAGE).text
    answer = site.http.post(f"{PAGE}/inv-7/grant", data=SHOWN)
    assert (answer.status_code, "open of this invoice now" in answer.text) == (409, True)
    with site.app.store.write() as db:
        db.execute(t.allocation.update().where(t.allocation.c.document_id == "inv-7").values(amount_minor=64_680))
    assert f"{PAGE}/inv-7/grant" in site.http.get(PAGE).text
    answer = site.http.post(f"{PAGE}/inv-7/grant", data=SHOWN)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?notice=discount_granted")
    assert _states(site)["inv-7"] == "granted"


def test_without_any_offered_there_is_no_tab(site: Site) -> None:
    assert f'href="{PAGE}"' in site.http.get("/o/org-a").text
    assert 'href="/o/org-b/discounts"' not in site.http.get("/o/org-b").text


@pytest.mark.parametrize(
    ("language", "listed", "said"),
    [
        ("en", "£441.00 until 11 Mar 2026", "£9.00 is taken off for paying early"),
        ("de", "441,00\xa0£ bis zum 11.03.2026", "9,00\xa0£ Skonto werden abgezogen"),
        ("fr", "441,00\xa0£GB jusqu’au 11 mars 2026", "9,00\xa0£GB d’escompte sont déduits"),
    ],
)
def test_the_payer_reads_it_until_the_day_is_over(site: Site, language: str, listed: str, said: str) -> None:
    header = {"Accept-Language": language}
    path = f"/p/{site.token()}"
    assert TODAY.isoformat() == "2026-03-10"
    assert listed in site.http.get(path, headers=header).text
    page = site.http.get(f"{path}/pay/inv-3", headers=header).text
    assert said in page
    with site.app.store.write() as db:
        db.execute(t.discount.update().values(ends_at=NOW))
    assert listed not in site.http.get(path, headers=header).text
    assert said not in site.http.get(f"{path}/pay/inv-3", headers=header).text


def test_by_card_the_amount_asked_for_is_the_lower_one(site: Site) -> None:
    with site.app.store.write() as db:
        db.execute(t.organisation.update().values(card_payments_on=True))
        db.execute(t.connection.update().where(t.connection.c.system == "stripe").values(status="connected"))
    page = site.http.get(f"/p/{site.token()}/pay/inv-3").text
    assert 'name="part" inputmode="decimal" autocomplete="off" maxlength="20" value="441.00"' in page
