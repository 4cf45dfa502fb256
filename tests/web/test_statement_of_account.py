"""A payer downloads their statement of account: theirs alone, with the figures of their page, in their language."""

from __future__ import annotations

from datetime import date

import pypdfium2  # type: ignore[import-untyped]
import pytest

from receivables.money import Money
from reminders.statement import MAX_PAGES, Statement, StatementLine, draw_statement
from reminders.templating import PrintError
from tests.web.conftest import Site

DAY = date(2026, 3, 10)


def text_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    return "\n".join(page.get_textpage().get_text_range() for page in document)


def _statement(customer: str = "Acme", count: int = 0) -> Statement:
    hundred = Money.parse("100", "EUR")
    lines = [StatementLine(f"INV-{number}", DAY, DAY, hundred, hundred) for number in range(count)]
    return Statement("House", customer, DAY, lines, (), ())


def test_the_statement_says_what_the_page_says(site: Site) -> None:
    answer = site.http.get(f"/p/{site.token()}/statement.pdf")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    said = text_of(answer.content)
    for part in ("Harbour Joinery Ltd", "Acme Trading Ltd", "INV-1", "INV-2", "INV-3", "£2,530.50", "-£1,200.00"):
        assert part in said
    assert "£1,330.50" in said.split("To pay")[1].split("Payments received")[0]
    assert "£660.00" in said.split("Payments received")[1]
    assert "INV-5" not in said
    german = text_of(site.http.get(f"/p/{site.token()}/statement.pdf", headers={"Accept-Language": "de"}).content)
    assert "Kontoübersicht" in german
    assert "1.330,50" in german


def test_nothing_open_is_said_and_the_same_statement_is_the_same_file() -> None:
    pdf = draw_statement(_statement(), language="fr")
    assert "Rien n’est à régler." in text_of(pdf)
    assert pdf == draw_statement(_statement(), language="fr")


def test_a_statement_that_cannot_be_printed_is_refused_in_one_line(site: Site) -> None:
    with pytest.raises(PrintError, match="CYRILLIC"):
        draw_statement(_statement(customer="Жанна"), language="en")
    with pytest.raises(PrintError, match=f"more than {MAX_PAGES}"):
        draw_statement(_statement(count=3_000), language="en")
    assert site.http.get(f"/p/{site.token('nobody')}/statement.pdf").status_code == 404
