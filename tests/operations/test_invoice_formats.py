"""A payer chooses the format of an invoice: each is made of what the ledger states, or not offered, with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from lxml import etree
from sqlalchemy import select
from werkzeug.wrappers import Request, Response

from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.send import send_reminders
from runtime.portal_links import PortalLinks
from runtime.store import tables as t
from tests.http_client import client_of
from tests.operations.faults import unavailable
from tests.operations.firm import CURRENCY, TODAY, Firm, XeroLedger
from tests.web.serving import serving
from tests.web.test_browser import DESK, PHONE, browser

__all__ = ["browser"]

NUMBER = "INV-3001"
DUE = TODAY - timedelta(days=10)


def _register(firm: Firm) -> None:
    """What an e-invoice needs to know of the seller, as people fill it in."""
    if isinstance(firm.ledger, XeroLedger):
        address = {"AddressType": "POBOX", "AddressLine1": "1 Quay", "City": "Bristol", "PostalCode": "BS1 0ZZ"}
        told = {"Version": "UK", "CountryCode": "GB", "TaxNumber": "999 9999 73", "RegistrationNumber": "00000000"}
        firm.ledger.books.told = told | {"Addresses": [address | {"Region": "", "Country": "United Kingdom"}]}
        return
    books = _books(firm)
    books.told = {"Country": "GB", "CompanyAddr": {"Id": "1", "Line1": "1 Quay", "City": "Bristol"}, "EmployerId": "0"}
    books.add_tax_agency(name="HMRC", number="999 9999 73")


def _books(firm: Firm) -> Any:  # noqa: ANN401 - of either ledger
    return firm.ledger.books  # type: ignore[attr-defined]


def _taxed(firm: Firm, total: str = "120.00") -> None:
    """An invoice of Acme of this total, a sixth of which is tax."""
    shared: dict[str, Any] = {
        "number": NUMBER,
        "currency": CURRENCY,
        "issued_on": DUE - timedelta(days=30),
        "due_on": DUE,
    }
    if isinstance(firm.ledger, XeroLedger):
        firm.ledger.ids[NUMBER] = firm.ledger.books.add_invoice(
            contact_id=firm.customers["Acme"], total=Decimal(total), tax_type="OUTPUT2", **shared
        )
    else:
        code = _books(firm).add_tax_code(name="20.0% S", percent=Decimal(20))
        firm.ledger.ids[NUMBER] = _books(firm).add_invoice(
            customer_id=firm.customers["Acme"], total=Decimal(total) / Decimal("1.2"), tax_code=code, **shared
        )
    firm.settle()


@pytest.fixture
def http(any_firm: Firm) -> Iterator[httpx.Client]:
    with serving(any_firm.app) as address, client_of(address) as client:
        yield client


def _page(firm: Firm, *, of: str = NUMBER) -> str:
    links = PortalLinks(firm.app.settings.encryption_key(), firm.app.clock)
    return f"/p/{links.link(firm.id, firm.document(of).customer_id)}"


def _invoice(firm: Firm, number: str = NUMBER, *, of: str = NUMBER) -> str:
    return f"{_page(firm, of=of)}/invoices/{firm.document(number).id}"


def _asked(firm: Firm) -> list[str]:
    """What the ledger is asked from now on."""
    asked: list[str] = []

    def count(request: Request, handle: Any) -> Response:  # noqa: ANN401
        asked.append(request.path)
        answer: Response = handle()
        return answer

    firm.ledger.standin.interceptor = count
    return asked


def test_every_format_is_given_and_the_ledger_is_asked_once(any_firm: Firm, http: httpx.Client) -> None:
    _register(any_firm)
    _taxed(any_firm)
    asked = _asked(any_firm)
    page = http.get(f"{_invoice(any_firm)}/formats").text
    assert page.count("/as/") == 4
    calls = len(asked)
    assert calls == (3 if any_firm.ledger.system == "xero" else 6)
    ubl = http.get(f"{_invoice(any_firm)}/as/ubl")
    assert (ubl.status_code, ubl.headers["content-type"]) == (200, "application/xml")
    assert ubl.headers["content-disposition"] == f'attachment; filename="{NUMBER}.xml"'
    root = etree.fromstring(ubl.content)
    said = {name: root.findtext(f".//{{*}}{name}") for name in ("TaxExclusiveAmount", "TaxAmount", "PayableAmount")}
    assert said == {"TaxExclusiveAmount": "100.00", "TaxAmount": "20.00", "PayableAmount": "120.00"}
    assert root.findtext(".//{*}AccountingSupplierParty//{*}PartyTaxScheme/{*}CompanyID") == "GB999999973"
    assert root.findtext(".//{*}AccountingCustomerParty//{*}IdentificationCode") == "GB"
    hybrid = http.get(f"{_invoice(any_firm)}/as/factur-x")
    assert (hybrid.status_code, hybrid.content[:5]) == (200, b"%PDF-")
    assert b"factur-x.xml" in hybrid.content
    rows = http.get(f"{_invoice(any_firm)}/as/csv").text.splitlines()
    assert rows[0].startswith("invoice,line,description")
    assert rows[1].startswith(f"{NUMBER},1,")
    assert ",100.00,GBP," in rows[1]
    assert len(asked) == calls
    printed = http.get(f"{_invoice(any_firm)}/as/pdf").content
    assert printed == http.get(f"{_invoice(any_firm)}.pdf").content


def test_what_is_missing_in_the_ledger_is_told_to_the_accountant_alone(any_firm: Firm, http: httpx.Client) -> None:
    _taxed(any_firm)
    page = http.get(f"{_invoice(any_firm)}/formats").text
    assert ("/as/pdf" in page, "/as/csv" in page, "/as/ubl" in page, "/as/factur-x" in page) == (
        True,
        True,
        False,
        False,
    )
    assert "value added tax" not in page
    refused = http.get(f"{_invoice(any_firm)}/as/ubl", headers={"Accept-Language": "de"})
    assert (refused.status_code, "gibt es nicht in diesem Format" in refused.text) == (409, True)
    inside = f"/o/{any_firm.id}/invoices/{any_firm.document(NUMBER).id}"
    assert f"{inside}/formats" in http.get(inside).text
    told = http.get(f"{inside}/formats").text
    assert "number for value added tax is missing in the ledger" in told
    assert told.count("Not offered") == 2
    _register(any_firm)  # the accountant puts it right and looks again
    assert http.get(f"{inside}/formats").text.count("Not offered") == 0
    assert http.get(f"{_invoice(any_firm)}/as/ubl").status_code == 200


def test_a_cent_that_the_ledger_rounds_otherwise_is_not_passed_on(firm: Firm) -> None:
    """Of 100.05 with tax, Xero takes a sixth as the tax, 16.68; twenty per cent of the rest are 16.67."""
    _register(firm)
    _taxed(firm, "100.05")
    with serving(firm.app) as address, client_of(address) as http:
        assert http.get(f"{_invoice(firm)}/as/ubl").status_code == 409
        told = http.get(f"/o/{firm.id}/invoices/{firm.document(NUMBER).id}/formats").text
    assert "Tax of 20 % on 83.37 GBP is 16.67 GBP, the ledger shows 16.68 GBP (BR-CO-17)" in told


def test_what_is_somebody_elses_is_not_given(any_firm: Firm, http: httpx.Client) -> None:
    for path in ("formats", "as/ubl", "as/csv", "as/wished"):
        answer = http.get(f"{_invoice(any_firm, 'INV-2001', of='INV-1001')}/{path}")
        assert (answer.status_code, "INV-2001" in answer.text) == (409, False)


def test_a_ledger_that_is_away_is_said_so(any_firm: Firm, http: httpx.Client) -> None:
    any_firm.ledger.standin.interceptor = unavailable
    answer = http.get(f"{_invoice(any_firm, 'INV-1001', of='INV-1001')}/formats")
    assert (answer.status_code, "try again in a minute" in answer.text) == (409, True)


def test_the_format_that_a_payer_wants_is_kept_and_messages_lead_to_it(any_firm: Firm, http: httpx.Client) -> None:
    _register(any_firm)
    _taxed(any_firm)
    assert http.post(f"{_page(any_firm)}/format", data={"format": "docx"}).status_code == 400
    chosen = http.post(f"{_page(any_firm)}/format", data={"format": "ubl"}, follow_redirects=True)
    assert "Your invoices come in this format from now on" in chosen.text
    with any_firm.app.store.read() as db:
        mine = t.customer.c.id == any_firm.document(NUMBER).customer_id
        assert db.scalar(select(t.customer.c.invoice_format).where(mine)) == "ubl"
    assert "selected>UBL" in http.get(f"{_invoice(any_firm)}/formats").text
    any_firm.switch_sending()
    plan_reminders(any_firm.app, any_firm.id)
    send_reminders(any_firm.app, any_firm.id)
    (mail,) = [each for each in any_firm.mailbox.mails if "acme@example.com" in each.recipients]
    file = f"{any_firm.document(NUMBER).id}/as/wished"
    (link,) = [each.split(" ")[-1] for each in mail.text.splitlines() if file in each]
    assert file in mail.html
    wished = http.get(link.split("8000", 1)[1])
    assert etree.fromstring(wished.content).findtext("{*}ID") == NUMBER


def test_a_wish_that_an_invoice_cannot_meet_gives_the_pdf(any_firm: Firm, http: httpx.Client) -> None:
    _taxed(any_firm)
    http.post(f"{_page(any_firm)}/format", data={"format": "ubl"})
    assert http.get(f"{_invoice(any_firm)}/as/wished").content.startswith(b"%PDF-")


@pytest.mark.browser
def test_the_page_of_formats_is_clean_for_axe(browser: Any, firm: Firm) -> None:  # noqa: ANN401
    _register(firm)
    _taxed(firm)
    with serving(firm.app) as address:
        for width, height in (DESK, PHONE):
            context = browser.new_context(
                base_url=address, viewport={"width": width, "height": height}, bypass_csp=True
            )
            page = context.new_page()
            for path in (f"{_invoice(firm)}/formats", f"/o/{firm.id}/invoices/{firm.document(NUMBER).id}/formats"):
                page.goto(path)
                assert not Axe().run(page).response["violations"]
            context.close()
