"""The certificates on an invoice's page: whether their seal is whole, and one of them to take away."""

from __future__ import annotations

import json
import re

from sqlalchemy import select, update

from runtime.store import tables as t
from tests.web.conftest import Site


def _address(site: Site) -> str:
    page = site.http.get("/o/org-a/invoices/inv-5").text
    found = re.search(r'href="(/o/org-a/certificates/[0-9a-f]{64}\.json)"', page)
    assert found is not None
    return found[1]


def test_a_certificate_is_taken_away_as_it_was_sealed(site: Site) -> None:
    address = _address(site)
    answer = site.http.get(address)
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.text)["digest"] in address
    assert answer.text.count("\n") == 1, "a line of the file that is verified"


def test_a_certificate_of_another_organisation_is_not_found(site: Site) -> None:
    assert site.http.get(_address(site).replace("org-a", "org-b")).status_code == 404


def test_a_changed_certificate_shows_a_broken_seal(site: Site) -> None:
    page = "/o/org-a/invoices/inv-5"
    assert ">Whole<" in site.http.get(page).text
    with site.app.store.write() as db:
        body = db.execute(select(t.certificate.c.body)).scalar_one()
        db.execute(update(t.certificate).values(body=body.replace("2000.00", "3000.00")))
    text = site.http.get(page).text
    assert ">Broken<" in text
    assert ">Whole<" not in text
