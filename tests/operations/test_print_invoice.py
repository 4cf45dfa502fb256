"""A payer downloads an invoice as the ledger prints it: theirs only, and the ledger is asked once."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from werkzeug.wrappers import Request, Response

from runtime.portal_links import PortalLinks
from tests.http_client import client_of
from tests.operations.faults import unavailable
from tests.operations.firm import Firm
from tests.web.serving import serving


@pytest.fixture
def http(any_firm: Firm) -> Iterator[httpx.Client]:
    with serving(any_firm.app) as address, client_of(address) as client:
        yield client


def _pdf(firm: Firm, number: str, *, of: str = "INV-1001") -> str:
    links = PortalLinks(firm.app.settings.encryption_key(), firm.app.clock)
    return f"/p/{links.link(firm.id, firm.document(of).customer_id)}/invoices/{firm.document(number).id}.pdf"


def test_an_invoice_is_given_as_the_ledger_prints_it_and_fetched_once(any_firm: Firm, http: httpx.Client) -> None:
    asked: list[str] = []

    def count(request: Request, handle: object) -> Response:
        asked.append(request.path)
        return handle()  # type: ignore[operator, no-any-return]

    any_firm.ledger.standin.interceptor = count
    first, second = (http.get(_pdf(any_firm, "INV-1001")) for _ in range(2))
    assert (first.status_code, first.headers["content-type"]) == (200, "application/pdf")
    assert first.content.startswith(b"%PDF-")
    assert b"INV-1001" in first.content
    assert first.headers["content-disposition"] == 'attachment; filename="INV-1001.pdf"'
    assert first.headers["cache-control"] == "no-cache, no-store"
    assert second.content == first.content
    assert len(asked) == 1
    page = _pdf(any_firm, "INV-1001").split("/invoices/")[0]
    assert "Download the invoice" in http.get(f"{page}/pay/{any_firm.document('INV-1001').id}").text


def test_what_is_somebody_elses_is_not_given(any_firm: Firm, http: httpx.Client) -> None:
    answer = http.get(_pdf(any_firm, "INV-2001", of="INV-1001"))
    assert (answer.status_code, b"%PDF" in answer.content) == (409, False)


def test_a_ledger_that_is_away_is_said_so(any_firm: Firm, http: httpx.Client) -> None:
    any_firm.ledger.standin.interceptor = unavailable
    answer = http.get(_pdf(any_firm, "INV-1001"))
    assert (answer.status_code, "try again in a minute" in answer.text) == (409, True)
