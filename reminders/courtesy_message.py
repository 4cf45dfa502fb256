"""The words of a monthly statement, of an instalment that comes up, and of a new link to the payer's page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from receivables.money import Money
from reminders.message import Brand, Links, Message, clean, compose, labelled, parts_of
from reminders.payment_plan import Instalment
from reminders.schedule import MAX_LINES_A_MESSAGE
from reminders.wording import read_template, wording


@dataclass(frozen=True, slots=True)
class StatedInvoice:
    """An open invoice as a statement lists it."""

    number: str
    issued_on: date
    due_on: date
    open_amount: Money


def render_statement(
    *,
    recipient: str,
    on: date,
    invoices: Sequence[StatedInvoice],
    totals: Sequence[Money],
    brand: Brand,
    links: Links,
    language: str,
) -> Message:
    """State in `language` what is open on a day, the oldest invoices first; the whole paper is a link away."""
    words = wording(language)
    facts = {
        "recipient": clean(recipient),
        "sender": clean(brand.name),
        "date": words.day(on),
        "count": len(invoices),
        "more": max(0, len(invoices) - MAX_LINES_A_MESSAGE),
        "total": words.all_money(totals),
    }
    layout = {
        "lines": [
            {
                "number": clean(each.number),
                "amount": words.money(each.open_amount),
                "details": [words.labelled_date("issued", each.issued_on), words.labelled_date("due", each.due_on)],
                "pay": None,
                "file": None,
            }
            for each in invoices[:MAX_LINES_A_MESSAGE]
        ],
        "amount_label": words.labels["to_pay"],
        "total_label": words.labels["total_to_pay"],
        "totals": [words.money(amount) for amount in totals],
        "actions": [{"label": words.labels["statement"]["download"], "url": f"{links.portal}/statement.pdf"}],
        "links": labelled(words, links, ("portal", "dispute", "question", "unsubscribe")),
        "news": [],
    }
    return compose(words, parts_of(read_template(f"{words.language}/statement.liquid"), facts), layout, brand)


def render_instalment(
    *, recipient: str, instalment: Instalment, missing: Money, left: Money, brand: Brand, links: Links, language: str
) -> Message:
    """Say in `language` which instalment comes up, how much of it is `missing`, and what is left of the plan then."""
    words = wording(language)
    facts = {
        "recipient": clean(recipient),
        "sender": clean(brand.name),
        "amount": words.money(instalment.amount),
        "missing": words.money(missing),
        "is_begun": missing != instalment.amount,
        "due": words.day(instalment.due_on),
        "left": words.money(left),
    }
    layout = {
        "lines": [],
        "amount_label": words.labels["to_pay"],
        "total_label": words.labels["total_to_pay"],
        "totals": [words.money(missing)],
        "actions": [{"label": words.labels["pay_all"], "url": links.pay}],
        "links": labelled(words, links, ("portal", "question", "unsubscribe")),
        "news": [],
    }
    return compose(words, parts_of(read_template(f"{words.language}/instalment.liquid"), facts), layout, brand)


def render_new_link(*, recipient: str, days: int, brand: Brand, links: Links, language: str) -> Message:
    """Give in `language` the link to the reader's page that they asked for, which opens it for `days`."""
    words = wording(language)
    facts = {"recipient": clean(recipient), "sender": clean(brand.name), "days": days}
    layout = {
        "lines": [],
        "amount_label": words.labels["to_pay"],
        "total_label": words.labels["total_to_pay"],
        "totals": [],
        "actions": labelled(words, links, ("portal",)),
        "links": labelled(words, links, ("unsubscribe",)),
        "news": [],
    }
    return compose(words, parts_of(read_template(f"{words.language}/new_link.liquid"), facts), layout, brand)
