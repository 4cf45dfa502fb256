"""A statement of account: what is open and what was paid, as one paper that a customer's bookkeeping can keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from reportlab.platypus import (  # type: ignore[import-untyped]
    Flowable,
    Spacer,
    Table,
    TableStyle,
)

from receivables.money import Money
from reminders.printing import GREY, paragraph, print_paper, style
from reminders.templating import PrintError
from reminders.wording import Wording, wording

MAX_PAGES = 60  # some 2,000 invoices; whoever has more asks for a file


@dataclass(frozen=True, slots=True)
class StatementLine:
    """An open invoice: its whole amount and what is open of it."""

    number: str
    issued_on: date
    due_on: date
    total: Money
    open_amount: Money


@dataclass(frozen=True, slots=True)
class StatementTotal:
    """Of one currency: what is open, what of it is on its way, what credit there is, and what remains to be paid."""

    opened: Money
    on_its_way: Money
    credit: Money
    to_pay: Money


@dataclass(frozen=True, slots=True)
class Statement:
    """Everything that a statement says on `on`; `paid` are payments received, each with its day, newest first."""

    house: str
    customer: str
    on: date
    lines: Sequence[StatementLine]
    totals: Sequence[StatementTotal]
    paid: Sequence[tuple[date, Money]]


def draw_statement(statement: Statement, *, language: str) -> bytes:
    """Return the PDF in `language`; the same statement gives the same bytes.

    PrintError for a character that the font does not have, and for more than MAX_PAGES pages.
    """
    words = wording(language)
    labels = words.labels["statement"]
    paper, pages = print_paper(
        lambda width: _story(statement, words, width),
        words=words,
        title=f"{labels['title']} {statement.customer}",
        author=statement.house,
        about=statement.customer,
    )
    if pages > MAX_PAGES:
        raise PrintError(f"the statement would have {pages} pages, more than {MAX_PAGES}")
    return paper


def _story(statement: Statement, words: Wording, width: float) -> list[Flowable]:
    labels = words.labels["statement"]
    story = [
        paragraph(statement.house, style(10, grey=True, after=8)),
        paragraph(labels["title"], style(16, bold=True, after=6)),
        paragraph(statement.customer, style(11, after=2)),
        paragraph(labels["as_of"].replace("{date}", words.day(statement.on)), style(10, grey=True, after=14)),
    ]
    if statement.lines:
        story.append(_open(statement, words, width))
    else:
        story.append(paragraph(labels["nothing_open"], style(10, after=6)))
    for total in statement.totals:
        story += [Spacer(1, 10), _total(total, words, width)]
    if statement.paid:
        rows = [[words.day(day), words.money(amount)] for day, amount in statement.paid]
        story += [
            Spacer(1, 16),
            paragraph(labels["payments"], style(12, bold=True, after=6)),
            _table([labels["received_on"], labels["amount"]], rows, [0.75 * width, 0.25 * width], figures=1),
        ]
    return story


def _open(statement: Statement, words: Wording, width: float) -> Table:
    labels = words.labels["letter"]
    heads = [labels[name] for name in ("number", "issued_on", "due_on", "invoice_amount", "open_amount")]
    rows = [
        [
            line.number,
            words.day(line.issued_on),
            words.day(line.due_on),
            words.money(line.total),
            words.money(line.open_amount),
        ]
        for line in statement.lines
    ]
    return _table(heads, rows, [width * share for share in (0.28, 0.18, 0.18, 0.18, 0.18)], figures=2)


def _total(total: StatementTotal, words: Wording, width: float) -> Table:
    labels, zero = words.labels["statement"], Money.zero(total.opened.currency)
    lines = [(labels["total_open"], total.opened)]
    lines += [(labels[name], zero - amount) for name, amount in _taken_off(total) if amount]
    rows = [
        [paragraph(name, style(9.5)), paragraph(words.money(amount), style(9.5, right=True))] for name, amount in lines
    ]
    bold = [
        paragraph(labels["to_pay"], style(10, bold=True)),
        paragraph(words.money(total.to_pay), style(10, bold=True, right=True)),
    ]
    table = Table([*rows, bold], colWidths=[0.32 * width, 0.2 * width], hAlign="RIGHT")
    table.setStyle(TableStyle([("LINEABOVE", (0, -1), (-1, -1), 0.5, GREY), ("RIGHTPADDING", (-1, 0), (-1, -1), 0)]))
    return table


def _taken_off(total: StatementTotal) -> list[tuple[str, Money]]:
    return [("on_its_way", total.on_its_way), ("credit", total.credit)]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[float], *, figures: int) -> Table:
    """A table whose last `figures` columns are amounts."""
    first = len(heads) - figures
    head = [paragraph(text, style(8, grey=True, right=place >= first)) for place, text in enumerate(heads)]
    body = [[paragraph(text, style(9.5, right=place >= first)) for place, text in enumerate(row)] for row in rows]
    table = Table([head, *body], colWidths=list(widths), repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (0, -1), 0),
                ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 3),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
                ("LINEBELOW", (0, 0), (-1, 0), 0.5, GREY),
            ]
        )
    )
    return table
