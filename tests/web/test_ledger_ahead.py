"""The review queue says what a decision would write in the ledger, before it is taken."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from runtime.operations.systems.treatments import set_treatment
from tests.http_client import client_of
from tests.web.build import TODAY, Books, ledger_accounts, running
from tests.web.serving import serving


def _residual(kind: str, minor: int) -> dict[str, Any]:
    return {"kind": kind, "amount": {"minor": minor, "currency": "GBP"}}


def _body(*residuals: dict[str, Any]) -> dict[str, Any]:
    paid = {"item_id": "inv-1", "amount": {"minor": 10_000, "currency": "GBP"}, "is_credit": False}
    nothing = {"minor": 0, "currency": "GBP"}
    best = {
        "explanation": "discount",
        "confidence": 0.9,
        "allocations": [paid],
        "residuals": list(residuals),
        "unapplied": nothing,
    }
    return {"best": best, "runner_up": None, "reasons": [], "customer_id": "acme"}


@pytest.mark.parametrize(
    ("residuals", "cash", "named", "said"),
    [
        ((), 10_000, [], "£100.00 to Current account (090)."),
        ((), 10_000, ["091"], "£100.00 to Current account (090)."),
        (
            (_residual("discount", 200),),
            9_800,
            [],
            "£98.00 to Current account (090); £2.00 (discount) to Discounts (610).",
        ),
        (
            (_residual("bank_fee", 150),),
            9_850,
            [],
            "£98.50 to Current account (090); £1.50 (bank fee) to Bank fees (404).",
        ),
    ],
)
def test_a_card_says_to_which_accounts_the_money_goes(
    tmp_path: Path, residuals: tuple[dict[str, Any], ...], cash: int, named: list[str], said: str
) -> None:
    with running(tmp_path) as (app, _), serving(app) as address, client_of(address) as http:
        books = Books(app, "org-a", "Harbour Joinery Ltd")
        books.connection("xero", "ledger")
        books.bank(TODAY)
        for handle in named:
            ledger_accounts(app, "org-a", {handle: "Deposit account"}, currency="GBP")
        ledger_accounts(app, "org-a", {"404": "Bank fees"}, currency=None, purpose="fees")
        ledger_accounts(app, "org-a", {"610": "Discounts"}, currency=None, purpose="other")
        set_treatment(app, organisation_id="org-a", kind="discount", account="610", actor="owner")
        books.customer("acme", "Acme Trading Ltd")
        books.invoice("inv-1", "acme", late=3, total=10_000)
        books.receipt("rcp-1", cash, state="suggested", customer_id="acme", source_account="GB00TEST")
        books.proposal("rcp-1", {"inv-1": 10_000}, body=_body(*residuals))
        page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", http.get("/o/org-a/review").text))
        assert f"In the ledger, on 9 Mar 2026: {said}" in page


def test_an_account_that_nobody_named_is_asked_for_beforehand(tmp_path: Path) -> None:
    with running(tmp_path) as (app, _), serving(app) as address, client_of(address) as http:
        books = Books(app, "org-a", "Harbour Joinery Ltd")
        books.connection("xero", "ledger")
        books.customer("acme", "Acme Trading Ltd")
        books.invoice("inv-1", "acme", late=3, total=10_000)
        books.receipt("rcp-1", 10_000, state="suggested", customer_id="acme")
        books.proposal("rcp-1", {"inv-1": 10_000}, customer_id="acme")
        assert "once an account is named for it" in http.get("/o/org-a/review").text
