"""What became of the bank's lines by account, and payouts broken down to the cent."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select, update

from runtime.store import tables as t
from tests.web.build import Books
from tests.web.conftest import Site


def text_of(site: Site, path: str) -> str:
    answer = site.http.get(path)
    assert answer.status_code == 200, answer.text
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def test_what_became_of_the_lines_of_an_account_is_summed_and_listed(site: Site) -> None:
    shown = text_of(site, "/o/org-a/receipts")
    assert "GB00 Bank, GBP £1,123.30 2 £319.99 1 £7.77 1 –" in shown
    assert "acct_1 Stripe, GBP £500.00 1 – – –" in shown
    rows = site.http.get("/o/org-a/receipts?group=unmatched&account=GB00").text.partition("<h2>What became of it")[2]
    assert "UNKNOWN PERSON" in rows
    assert "BOLT AND SONS" not in rows
    assert "There is nothing of that kind" in text_of(site, "/o/org-a/receipts?group=back")
    assert site.http.get("/o/org-a/receipts?group=nothing").status_code == 400


def test_a_payout_is_broken_down_by_its_balance_transactions(site: Site) -> None:
    shown = text_of(site, "/o/org-a/payouts/po_1")
    assert "Payout of £463.30" in shown
    assert "Booked on 9 Mar 2026" in shown
    assert "Card payments 1 £500.00 £14.70 £485.30" in shown
    assert "Refunds 1 -£20.00 £0.00 -£20.00" in shown
    assert "Fees by themselves 1 £0.00 £2.00 -£2.00" in shown
    assert "Payout 3 £480.00 £16.70 £463.30" in shown
    assert "£500.00 for INV-8" in shown
    assert "Unexplained" not in shown


def test_a_cent_that_no_line_explains_is_shown(site: Site) -> None:
    assert "£0.01 unexplained" in text_of(site, "/o/org-a/payouts")
    shown = text_of(site, "/o/org-a/payouts/po_2")
    assert "Unexplained – – – £0.01" in shown
    assert "Payout 3 £480.00 £16.70 £463.31" in shown
    assert "No line of a statement was found for it yet" in shown


def test_long_payouts_come_in_pages_with_the_sums_of_all(site: Site) -> None:
    Books.of(site.app, "org-a").payout("po_3", [["charge", 100, 1, f"pi_{at}"] for at in range(250)])
    for page, count in ((1, 100), (3, 50)):
        shown = text_of(site, f"/o/org-a/payouts/po_3?page={page}")
        assert "Card payments 250 £250.00 £2.50 £247.50" in shown
        assert shown.count("£0.99") == count


@pytest.mark.parametrize("path", ["/payouts/po_1", "/payouts/nothing"])
def test_a_payout_of_another_organisation_is_not_there(site: Site, path: str) -> None:
    assert site.http.get(f"/o/org-b{path}").status_code == 404
    assert "po_1" not in site.http.get("/o/org-b/payouts").text


def test_what_waits_for_a_person_is_never_called_certain(site: Site) -> None:
    with site.app.store.read() as db:
        body = db.scalars(select(t.proposal.c.body).where(t.proposal.c.receipt_id == "rcp-1")).one()
    for confidence, said in ((0.87, "87% sure"), (0.9, "90% sure"), (0.9968, "over 99% sure")):
        best = body["best"] | {"confidence": confidence}
        with site.app.store.write() as db:
            db.execute(update(t.proposal).where(t.proposal.c.receipt_id == "rcp-1").values(body=body | {"best": best}))
        assert said in site.http.get("/o/org-a/review").text
