"""Payment plans on pages: a payer looks at instalments, then agrees; a person keeps and ends them."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy import select

from runtime.store import tables as t
from tests.web.build import TODAY
from tests.web.conftest import Site

STAFF = "/o/org-a/plans"
FIRST = (TODAY + timedelta(days=6)).isoformat()


def _plans(site: Site) -> list[tuple[str, str, str, int]]:
    with site.app.store.read() as db:
        return [(row.state, row.agreed_by, row.consent, row.total_minor) for row in db.execute(select(t.payment_plan))]


def test_a_payer_sees_the_instalments_and_agrees_on_what_they_saw(site: Site) -> None:
    page = f"/p/{site.token('bolt')}"
    german = {"Accept-Language": "de"}
    assert site.http.get(f"{page}/plan").headers["location"] == page, "nothing is offered while it is off"
    assert site.http.post(f"{STAFF.replace('plans', 'settings/plans')}", data={"most": "4"}).status_code == 303
    assert f'href="{page}/plan"' in site.http.get(page).text
    assert "€99.00 overdue" in site.http.get(f"{page}/plan").text
    chosen = {"currency": "GBP", "count": "3", "first_on": FIRST}
    shown = site.http.get(f"{page}/plan", params=chosen, headers=german).text
    amounts = re.findall(r"<span>([\d.,]+)\xa0£</span>", shown)
    assert amounts == ["666,67", "666,67", "666,66"]
    minor = int(re.findall(r'name="minor" value="(\d+)"', shown)[0])
    assert minor == 200_000
    form = {**chosen, "minor": str(minor)}
    assert site.http.post(f"{page}/plan", data=form).status_code == 400, "without the consent"
    assert site.http.post(f"{page}/plan", data={**form, "agreed": "yes", "minor": "1"}).status_code == 409
    assert site.http.post(f"{page}/plan", data={**form, "agreed": "yes", "count": "5"}).status_code == 400
    assert site.http.get(f"{page}/plan", params={**chosen, "count": "9"}).status_code == 400
    answer = site.http.post(f"{page}/plan", data={**form, "agreed": "yes"}, headers=german)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{page}?notice=plan_agreed")
    consent = "Ich verpflichte mich, diese Beträge bis zu diesen Tagen zu zahlen."
    assert _plans(site) == [("running", "customer", consent, 200_000)]
    account = site.http.get(page).text
    assert "Your payment plan" in account
    assert "£666.67" in account
    assert "INV-5" in site.http.get(STAFF.replace("plans", "invoices?hold=plan")).text


def test_a_person_keeps_a_plan_with_how_it_was_agreed_and_ends_it(site: Site) -> None:
    page = site.http.get(STAFF, params={"customer": "bolt"}).text
    assert "£2,000.00 overdue" in page
    fields = {"minor": "200000", "currency": "GBP", "count": "2", "first_on": FIRST, "consent": "Joan, by telephone"}
    assert site.http.post("/o/org-a/customers/bolt/plan", data={**fields, "consent": " "}).status_code == 400
    assert site.http.post("/o/org-b/customers/bolt/plan", data=fields).status_code == 409
    assert site.http.post("/o/org-a/customers/bolt/plan", data=fields).status_code == 303
    assert _plans(site) == [("running", "owner", "Joan, by telephone", 200_000)]
    page = site.http.get(STAFF).text
    assert "Joan, by telephone" in page
    (end,) = re.findall(r'action="([^"]*/end)"', page)
    assert site.http.post(end.replace("org-a", "org-b")).status_code == 409
    assert site.http.post(end).status_code == 303
    assert [state for state, *_ in _plans(site)] == ["ended"]
