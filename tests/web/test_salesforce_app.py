"""The statement that Salesforce's package has printed: only by its org's key, only of an account that is linked."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from connectors.crm.salesforce.knock import HEADER, key_of
from runtime.web.salesforce_app import PATH
from tests.web.people import PublicSite, public_site
from tests.web.test_statement_of_account import text_of

SECRET = "knock-secret-of-tests"
ORG = "org-a-salesforce"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublicSite]:
    with public_site(tmp_path_factory.mktemp("salesforce"), salesforce_webhook_secret=SECRET) as site:
        site.books.connection("salesforce", "crm")
        site.books.link("salesforce", "customer", "acme", "001000000000001AAA")
        yield site


def _ask(site: PublicSite, *, org: str = ORG, account: str = "001000000000001AAA", key: str = "") -> httpx.Response:
    headers = {HEADER: key or key_of(SECRET, org), "Sec-Fetch-Site": "cross-site"}
    return site.http.post(PATH, json={"org": org, "account": account}, headers=headers)


def test_the_statement_is_that_of_the_payers_page(site: PublicSite) -> None:
    answer = _ask(site)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    said = text_of(answer.content)
    for part in ("Harbour Joinery Ltd", "Acme Trading Ltd", "INV-1", "£1,330.50"):
        assert part in said
    assert "INV-5" not in said


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({"key": key_of(SECRET, "another-org")}, 401, "key"),
        ({"key": "none"}, 401, "key"),
        ({"org": "org-b-salesforce"}, 404, "not connected"),
        ({"account": "001000000000002AAA"}, 404, "which customer"),
        ({"account": "0" * 19}, 400, "update"),
    ],
)
def test_whoever_is_not_known_is_given_a_sentence_and_no_statement(
    site: PublicSite, asked: dict[str, str], status: int, said: str
) -> None:
    answer = _ask(site, **asked)
    assert answer.status_code == status
    assert said in answer.json()["said"]


def test_without_a_secret_there_is_no_such_page(tmp_path_factory: pytest.TempPathFactory) -> None:
    with public_site(tmp_path_factory.mktemp("bare")) as site:
        assert _ask(site).status_code == 404
