"""Money that goes back, on the pages: the statement's notice, the question, and what a person says of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from runtime.operations.matching.match import match_receipts
from runtime.store import tables as t
from tests.web.build import TODAY
from tests.web.conftest import Site

CAME, WENT = TODAY - timedelta(days=9), TODAY - timedelta(days=2)
HEADINGS = "date,amount,payer,iban,description,currency"
COLLECTED = f"{CAME},64.20,ACME HOLDINGS,DE02120300000000202051,PAYMENT 4711-A"


def imported(site: Site, *rows: str) -> str:
    content = "\n".join([HEADINGS, *(f"{row},GBP" for row in rows)])
    answer = site.http.post("/o/org-a/statements", files={"file": ("march.csv", content.encode())})
    assert answer.status_code == 200, answer.text
    match_receipts(site.app, "org-a")
    return answer.text


def debit(site: Site) -> str:
    with site.app.store.read() as db:
        return str(db.scalars(select(t.debit.c.id).where(t.debit.c.organisation_id == "org-a")).one())


def state(site: Site) -> tuple[str, str]:
    receipt = t.receipt.c
    with site.app.store.read() as db:
        taken = db.scalars(select(t.debit.c.state)).one()
        return taken, db.scalars(select(receipt.status).where(receipt.remittance == "PAYMENT 4711-A")).one()


@pytest.fixture
def asked(site: Site) -> str:
    """A debit to the payer's account that no bank calls a return."""
    text = imported(
        site, COLLECTED, f"{WENT},-64.20,ACME HOLDINGS,DE02120300000000202051,TRANSFER", f"{WENT},-20.00,RENT,,"
    )
    assert "3 lines, 1 new receipt, 2 lines are payments out, 0 lines take an earlier payment back" in text
    return debit(site)


def test_a_likely_return_is_asked_about_with_its_evidence_and_can_be_confirmed_once(site: Site, asked: str) -> None:
    page = site.http.get("/o/org-a/review").text
    assert "went back on" in page and "It went to the account from which the payment of 64.20 GBP" in page
    assert site.http.post(f"/o/org-a/returns/{asked}/confirm").status_code == 303
    assert state(site) == ("returned", "reversed")
    assert asked not in site.http.get("/o/org-a/review").text
    assert "Taken back by the bank" in site.http.get("/o/org-a/receipts").text
    assert site.http.post(f"/o/org-a/returns/{asked}/confirm").status_code == 409


def test_a_likely_return_can_be_rejected(site: Site, asked: str) -> None:
    assert site.http.post(f"/o/org-a/returns/{asked}/reject").status_code == 303
    match_receipts(site.app, "org-a")
    assert state(site) == ("out", "received")
    assert asked not in site.http.get("/o/org-a/review").text


def test_what_a_csv_calls_a_returned_debit_is_taken_back_and_waits_to_be_seen(site: Site) -> None:
    text = imported(site, COLLECTED, f"{WENT},-64.20,ACME HOLDINGS,,RETURNED DIRECT DEBIT 4711-A")
    assert "1 line takes an earlier payment back" in text
    assert state(site) == ("returned", "reversed")
    assert "64.20 GBP by ACME HOLDINGS" in site.http.get("/o/org-a/problems").text
    assert "I have looked" in site.http.get("/o/org-a/review").text
    assert site.http.post(f"/o/org-a/returns/{debit(site)}/seen").status_code == 303
    assert "I have looked" not in site.http.get("/o/org-a/review").text
    assert "64.20 GBP by ACME HOLDINGS" not in site.http.get("/o/org-a/problems").text


@pytest.mark.parametrize("what", ["confirm", "reject", "seen"])
def test_another_organisation_cannot_decide(site: Site, asked: str, what: str) -> None:
    assert site.http.post(f"/o/org-b/returns/{asked}/{what}").status_code == 404
    assert state(site) == ("suggested", "received")
