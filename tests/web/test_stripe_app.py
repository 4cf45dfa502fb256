"""What the view in Stripe's dashboard is told: only by Stripe's signature, only of the account that it names."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from runtime.store import tables as t
from tests.web.people import HOST, PublicSite, public_site

PATH = "/apps/stripe/beside"
SECRET = "absec_test"
# What the view sends, to the letter: addon_manifest/stripe/checks/view.test.tsx has the same text.
ASKED = '{"customer":"cus_1","number":"INV-5","user_id":"usr_1","account_id":"acct_1"}'


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublicSite]:
    with public_site(tmp_path_factory.mktemp("stripe"), stripe_app_secret=SECRET) as site:
        site.books.receipt("rcp-9", 1_000, external_id="pi_9", source="stripe", state="applied", payer_account="cus_9")
        site.books.allocation("rcp-9", "inv-4", 1_000)
        _connect(site, account="acct_1")
        yield site


def _connect(site: PublicSite, **values: str) -> None:
    with site.app.store.write() as db:
        db.execute(t.connection.update().where(t.connection.c.id == "con-org-a-stripe").values(**values))


def _ask(
    site: PublicSite, body: str = ASKED, *, secret: str = SECRET, age: int = 0, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    stamp = int(site.time().timestamp()) - age
    signature = hmac.new(secret.encode(), f"{stamp}.{body}".encode(), hashlib.sha256).hexdigest()
    sent = {"Stripe-Signature": f"t={stamp},v1={signature}", "Content-Type": "application/json"}
    return site.http.post(PATH, content=body, headers={**sent, **(headers or {})})


def _of(**changed: str) -> str:
    asked: dict[str, Any] = json.loads(ASKED) | changed
    return json.dumps(asked)


def test_an_invoice_of_the_same_number_is_shown_with_what_holds_it(site: PublicSite) -> None:
    answer = _ask(site, headers={"Origin": "null", "Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "no-cache, no-store"
    told = answer.json()
    (invoice,) = told["invoices"]
    assert told["customer"].startswith("Bolt & Sons")
    assert invoice["number"] == "INV-5"
    assert invoice["open"] == "£2,000.00"
    assert invoice["state"] in ("Truly due", "Overdue, held back")
    assert invoice["due_now"] is (invoice["state"] == "Truly due")
    assert invoice["reminded"]
    assert invoice["link"] == f"https://{HOST}/o/org-a/invoices/inv-5"
    disputed = _ask(site, _of(number="INV-2", customer="")).json()["invoices"][0]
    assert disputed["state"] == "Overdue, held back"
    assert any("Two doors were missing" in reason for reason in disputed["why"])


def test_beside_a_customer_stands_what_whoever_they_pay_for_has_open(site: PublicSite) -> None:
    told = _ask(site, _of(number="", customer="cus_9")).json()
    assert [each["number"] for each in told["invoices"]] == ["INV-5", "INV-4", "INV-6"]
    assert told["more"] is False


def test_a_number_of_another_customers_invoice_shows_nothing_of_it(site: PublicSite) -> None:
    told = _ask(site, _of(number="INV-1", customer="cus_9")).json()
    assert "INV-1" not in {each["number"] for each in told["invoices"]}


def test_nothing_is_guessed_of_who_is_not_known(site: PublicSite) -> None:
    told = _ask(site, _of(number="INV-77", customer="cus_unknown")).json()
    assert told["invoices"] == []
    assert "nobody knows" in told["said"]


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"secret": "absec_other"}, 401),
        ({"age": 301}, 401),
        ({"body": _of(account_id="acct_of_nobody")}, 404),
        ({"body": '{"account_id":"acct_1","account_id":"acct_2","customer":"","number":"","user_id":"u"}'}, 400),
        ({"body": "[]"}, 400),
        ({"body": _of(organisation="org-b")}, 400),
    ],
)
def test_what_is_not_signed_or_not_understood_is_told_nothing(
    site: PublicSite, how: dict[str, Any], status: int
) -> None:
    answer = _ask(site, **how)
    assert answer.status_code == status
    assert set(answer.json()) == {"said"}


def test_another_text_than_the_signed_one_is_refused(site: PublicSite) -> None:
    signature = _ask(site).request.headers["stripe-signature"]
    answer = site.http.post(PATH, content=_of(number="INV-1"), headers={"Stripe-Signature": signature})
    assert answer.status_code == 401


def test_a_disconnected_account_is_told_nothing_and_so_is_everybody_without_a_secret(
    site: PublicSite, tmp_path: Path
) -> None:
    _connect(site, status="disconnected")
    assert _ask(site).status_code == 404
    _connect(site, status="connected")
    assert _ask(site).status_code == 200
    with public_site(tmp_path) as bare:
        assert _ask(bare, secret="").status_code == 404


def test_the_frame_may_ask_and_bring_the_signature(site: PublicSite) -> None:
    asked = {"Origin": "null", "Access-Control-Request-Method": "POST"}
    answer = site.http.options(PATH, headers=asked)
    assert answer.status_code == 204
    assert "stripe-signature" in answer.headers["access-control-allow-headers"]
