"""A person lets Stripe read a bank account: from the settings page to Stripe's and back, and says what they see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from connectors.contract import Role
from runtime.operations.systems.disconnect import disconnect
from runtime.operations.systems.read_tax_codes import read_accounts_again
from tests.operations.firm import Firm, XeroLedger
from tests.web.firm_site import served_firm

SECONDS = 20.0


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Firm, str]]:
    with served_firm(tmp_path) as (firm, address):
        assert isinstance(firm.ledger, XeroLedger)
        firm.ledger.books.add_account(code="092", name="Dollar account", type="BANK", currency="USD")
        read_accounts_again(firm.app, organisation_id=firm.id)
        yield firm, address


def _press(address: str, path: str, **form: str) -> requests.Response:
    return requests.post(f"{address}{path}", data=form, headers={"Origin": address}, timeout=SECONDS)


def test_an_account_is_linked_looked_at_and_counts_after_a_person_said_so(served: tuple[Firm, str]) -> None:
    firm, address = served
    settings = f"/o/{firm.id}/settings"
    shown = requests.get(f"{address}{settings}", timeout=SECONDS).text
    assert shown.count("Let Stripe read this account at the bank") == 1, "only what is kept in dollars"
    handle = re.search(r'settings/feed">\s*<input type="hidden" name="handle" value="([^"]+)"', shown)
    assert handle is not None
    page = _press(address, f"{settings}/feed", handle=handle[1]).text
    leads_to = re.search(r'url=([^"]+)"', page)
    assert leads_to is not None
    back = requests.post(leads_to[1], allow_redirects=False, timeout=SECONDS).headers["Location"]
    assert back == f"{address}{settings}?notice=bank_linked"
    assert "Being linked" in requests.get(back, timeout=SECONDS).text
    (account_id,) = firm.stripe.bank_accounts
    firm.stripe.bank_books(account_id, 500_00, "ACH CREDIT <ACME> INV-7001")
    for waiting in ("Stripe reads the bank for the first time", "Positive amounts are money in"):
        firm.time.advance(minutes=5)
        assert waiting in _press(address, f"{settings}/feeds/look").text
    shown = requests.get(f"{address}{settings}", timeout=SECONDS).text
    assert "ACH CREDIT &lt;ACME&gt; INV-7001" in shown and "500.00" in shown
    (row,) = re.findall(r"settings/feeds/([^/]+)/confirm", shown)
    said = _press(address, f"{settings}/feeds/{row}/confirm", money_in="positive")
    assert "What the bank books counts from now on" in said.text and "Live feed" in said.text
    refused = _press(address, f"{settings}/bank", handle=handle[1], proof="attested", attested_by="Dana Fenwick")
    assert refused.status_code == 400 and "end that first" in refused.text
    assert "is read no more" in _press(address, f"{settings}/feeds/{row}/end").text
    assert "Let Stripe read this account" in requests.get(f"{address}{settings}", timeout=SECONDS).text


def test_nothing_is_offered_without_a_processor(served: tuple[Firm, str]) -> None:
    firm, address = served
    disconnect(firm.app, organisation_id=firm.id, role=Role.PROCESSOR, actor="owner")
    assert "Let Stripe read" not in requests.get(f"{address}/o/{firm.id}/settings", timeout=SECONDS).text
