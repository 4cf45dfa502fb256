"""The page of policies: edited, weighed and set without a script, each mistake told with its line."""

from __future__ import annotations

from sqlalchemy import select, update

from reminders.policy_book import BY_SIZE
from reminders.policy_file import write_policies
from runtime.store import tables as t
from tests.web.conftest import Site

PAGE = "/o/org-a/policies"


def _kept(site: Site) -> list[tuple[int, str]]:
    with site.app.store.read() as db:
        return [(row.version, row.set_by) for row in db.execute(select(t.policy_book))]


def test_an_example_is_weighed_on_what_is_open_and_then_set(site: Site) -> None:
    with site.app.store.write() as db:
        db.execute(update(t.reminder).values(state="withdrawn"))  # so that somebody may be written to today
    assert "overdue_at_least: 90" in site.http.get(PAGE, params={"example": "by-size"}).text
    text = write_policies(BY_SIZE).replace("\n", "\r\n")
    weighed = site.http.post(PAGE, data={"text": text, "step": "preview"}).text
    assert "would be written to otherwise" in weighed
    assert "Level 1, understanding" in weighed
    assert _kept(site) == [], "weighing sets nothing"
    answer = site.http.post(PAGE, data={"text": text, "step": "set"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?notice=policies_set")
    assert _kept(site) == [(2, "owner")]
    shown = site.http.get(PAGE).text
    assert "long-standing debt, large debt, small debt, standard" in shown
    assert "overdue_at_least: 90" in shown
    assert "overdue_at_least: 90" not in site.http.get(PAGE, params={"version": 1}).text


def test_a_mistake_is_told_with_its_line_and_the_text_is_kept(site: Site) -> None:
    for step in ("preview", "set"):
        answer = site.http.post(PAGE, data={"text": "policies:\n- name: <b>", "step": step})
        assert answer.status_code == 400
        assert "The policies: line 2: policy &#39;&lt;b&gt;&#39; lacks &#39;levels&#39;." in answer.text
        assert "- name: &lt;b&gt;</textarea>" in answer.text
    assert _kept(site) == []


def test_an_invoice_tells_the_pause_that_its_customers_policy_keeps(site: Site) -> None:
    page = "/o/org-a/invoices/inv-5"  # Bolt was written to two days ago, and owes something old
    assert "less than 3 days ago" in site.http.get(page).text
    site.http.post(PAGE, data={"text": write_policies(BY_SIZE), "step": "set"})
    assert "less than 14 days ago" in site.http.get(page).text


def test_policies_of_one_organisation_are_not_those_of_another(site: Site) -> None:
    site.http.post(PAGE, data={"text": write_policies(BY_SIZE), "step": "set"})
    assert "small debt" not in site.http.get("/o/org-b/policies").text
    assert site.http.post("/o/nobody/policies", data={"text": "x", "step": "set"}).status_code == 404
