"""The words a customer reads: a reminder or a thank-you as subject, plain text and e-mail HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from receivables.decline import Decline
from receivables.money import Money
from reminders.policy import Tone
from reminders.schedule import PlannedReminder, ReminderLine
from reminders.templating import TemplateError, render_html, render_text
from reminders.wording import Wording, read_template, wording

MAX_NAME_CHARACTERS = 200
MAX_SUBJECT_CHARACTERS = 200
_PARTS = re.compile(r"^---$", re.MULTILINE)
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_WEB_ADDRESS = re.compile(r"https?://[^\s\"'<>]+")


@dataclass(frozen=True, slots=True)
class Brand:
    """Who writes: the organisation's name, the person or team that signs, a postal address, a `#rrggbb` colour.

    Where nobody is named its accounts receivable sign.
    """

    name: str
    signature: str = ""
    postal_address: str = ""
    colour: str = "#1f5f4a"

    def __post_init__(self) -> None:
        if not _COLOUR.fullmatch(self.colour):
            raise ValueError(f"colour {self.colour!r} is not of the form #rrggbb")


@dataclass(frozen=True, slots=True)
class Links:
    """Where the message leads. `pay_items` has a pay link for each item id that can be paid alone.

    `files` has, by item id, where the invoice is downloaded in the format that its payer asked for; `plan` is None
    where payers agree on no instalments by themselves.
    """

    pay: str
    portal: str
    dispute: str
    promise: str
    plan: str | None
    question: str
    unsubscribe: str
    pay_items: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    files: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        pages = [self.pay, self.portal, self.dispute, self.promise, self.question, self.unsubscribe]
        if self.plan is not None:
            pages.append(self.plan)
        for address in (*pages, *self.pay_items.values(), *self.files.values()):
            if not _WEB_ADDRESS.fullmatch(address):
                raise ValueError(f"{address!r} is not a web address")


@dataclass(frozen=True, slots=True)
class Message:
    """A finished message. The subject is one line."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class PaidLine:
    """What a payment did to one invoice."""

    number: str
    paid: Money
    still_open: Money


@dataclass(frozen=True, slots=True)
class PaymentReceived:
    """A payment to thank for, and the invoices it was set against."""

    recipient_name: str
    amount: Money
    received_on: date
    lines: tuple[PaidLine, ...]


class AnswerKind(StrEnum):
    """What somebody is answered who says that they paid, or asks for an invoice again; or what a person writes."""

    SETTLED = "settled"
    ARRIVED = "arrived"
    NOT_FOUND = "not_found"
    SENT_AGAIN = "sent_again"
    WRITTEN = "written"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer about invoices (number, open amount), with the payment that was found; `days` is how long they wait.

    `written` is what a person writes instead.
    """

    kind: AnswerKind
    recipient_name: str
    lines: tuple[tuple[str, Money], ...]
    days: int
    amount: Money | None = None
    received_on: date | None = None
    written: str = ""


@dataclass(frozen=True, slots=True)
class EarlyPayment:
    """What an invoice can be paid with until `last_on`: `to_pay` instead of the whole, `discount` less."""

    number: str
    to_pay: Money
    discount: Money
    last_on: date


class SetbackKind(StrEnum):
    """How a payment came to nothing: it failed before it arrived, or the bank took it back afterwards."""

    FAILED = "failed"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Setback:
    """A payment that came to nothing, and the ids of the items that are open again by it."""

    kind: SetbackKind
    amount: Money
    paid_on: date
    item_ids: tuple[str, ...]
    decline: Decline | None = None


def render(
    *,
    reminder: PlannedReminder,
    brand: Brand,
    links: Links,
    language: str,
    own_copy: str | None = None,
    setbacks: Sequence[Setback] = (),
    early: Sequence[EarlyPayment] = (),
    note: str = "",
) -> Message:
    """Write `reminder` in `language`, in the tone of its level, and say which payments of its items came to nothing.

    `early` names what of it costs less while it is paid early.

    `note` is one paragraph of a person's own, above the invoices.

    `own_copy` is the organisation's own template in place of ours: subject, opening and closing, with a line of
    three hyphens between them. It may use `recipient`, `sender`, `count`, `total`, and of the oldest invoice
    `number`, `due` and `days`. TemplateError if it is wrong or exceeds its bounds.
    """
    words = wording(language)
    layout = {
        "lines": [_reminder_line(words, line, links) for line in reminder.lines],
        "amount_label": words.labels["to_pay"],
        "total_label": words.labels["total_to_pay"],
        "totals": [words.money(amount) for amount in reminder.totals],
        "actions": _actions(words, reminder.level.tone, links),
        "links": labelled(words, links, ("promise", "dispute", "question", "portal", "unsubscribe")),
        "news": [
            *([boxed(note)] if note else []),
            *(boxed(news_of(words, setback, reminder.lines), warns=True) for setback in setbacks),
            *(boxed(early_payment(words, each)) for each in early),
        ],
    }
    return compose(words, spoken(reminder, brand, words, own_copy), layout, brand)


def spoken(reminder: PlannedReminder, brand: Brand, words: Wording, own_copy: str | None) -> tuple[str, str, str]:
    """Return subject, opening and closing of a reminder in its level's tone; TemplateError as `render` raises it."""
    source = own_copy or read_template(f"{words.language}/{reminder.level.tone}.liquid")
    oldest = reminder.lines[0]
    facts = {
        "recipient": clean(reminder.recipient_name),
        "sender": clean(brand.name),
        "count": len(reminder.lines),
        "number": clean(oldest.number),
        "due": words.day(oldest.due_on),
        "days": words.counted("days", abs(oldest.days_overdue)),
        "total": words.all_money(reminder.totals),
    }
    return parts_of(source, facts)


def our_thanks(language: str) -> str:
    """Return our words for a thank-you."""
    return read_template(f"{language}/thanks.liquid")


def render_thanks(
    *, payment: PaymentReceived, brand: Brand, links: Links, language: str, own_copy: str | None = None
) -> Message:
    """Thank for a payment in `language` and say what it settled.

    `own_copy` is the organisation's own template in place of ours, in the three parts of a reminder's. It may use
    `recipient`, `sender`, `amount`, `received`, `count` (invoices that it paid) and `settled` (nothing of them is
    open). TemplateError if it is wrong or exceeds its bounds.
    """
    words = wording(language)
    facts = {
        "recipient": clean(payment.recipient_name),
        "sender": clean(brand.name),
        "amount": words.money(payment.amount),
        "received": words.day(payment.received_on),
        "count": len(payment.lines),
        "settled": not any(line.still_open for line in payment.lines),
    }
    layout = {
        "lines": [_paid_line(words, line) for line in payment.lines],
        "amount_label": words.labels["paid"],
        "total_label": words.labels["paid"],
        "totals": [words.money(payment.amount)],
        "actions": [],
        "links": labelled(words, links, ("portal", "question", "unsubscribe")),
        "news": [],
    }
    return compose(words, parts_of(own_copy or our_thanks(words.language), facts), layout, brand)


def render_answer(*, answer: Answer, brand: Brand, links: Links, language: str) -> Message:
    """Answer a payer in `language`."""
    words = wording(language)
    facts = {
        "recipient": clean(answer.recipient_name),
        "count": len(answer.lines),
        "number": clean(answer.lines[0][0]) if answer.lines else "",
        "written": answer.written,
        "days": answer.days,
        "known": answer.amount is not None and answer.received_on is not None,
        "amount": words.money(answer.amount) if answer.amount else "",
        "received": words.day(answer.received_on) if answer.received_on else "",
    }
    page = {"label": words.labels["portal"], "url": links.portal}
    layout = {
        "lines": [
            {"number": clean(number), "amount": words.money(amount), "details": [], "pay": None, "file": None}
            for number, amount in (answer.lines if answer.kind is not AnswerKind.WRITTEN else ())
        ],
        "amount_label": words.labels["to_pay"],
        "total_label": words.labels["total_to_pay"],
        "totals": [],
        "actions": [page] if answer.kind is AnswerKind.SENT_AGAIN else [],
        "links": labelled(words, links, ("portal", "question", "unsubscribe")),
        "news": [],
    }
    source = read_template(f"{words.language}/answer_{answer.kind}.liquid")
    return compose(words, parts_of(source, facts), layout, brand)


def parts_of(source: str, facts: Mapping[str, object]) -> tuple[str, str, str]:
    """Render a template of ours or of theirs into subject, opening and closing; TemplateError where one is missing."""
    parts = _PARTS.split(source)
    if len(parts) != 3:
        raise TemplateError("a message has three parts with a line of --- between them: subject, opening, closing")
    subject, opening, closing = (render_text(part, facts).strip() for part in parts)
    subject = clean(subject)[:MAX_SUBJECT_CHARACTERS]
    if not subject or not opening:
        raise TemplateError("the subject and the opening must say something")
    return subject, opening, closing


def compose(words: Wording, spoken_parts: tuple[str, str, str], layout: Mapping[str, object], brand: Brand) -> Message:
    """Put the spoken parts around what every message has: lines, totals, actions and links."""
    subject, opening, closing = spoken_parts
    common = {
        **layout,
        "language": words.locale.language,
        "labels": words.labels,
        "subject": subject,
        "brand": {
            "name": clean(brand.name),
            "signature": signed_by(words, brand),
            "postal_address": clean(brand.postal_address),
            "colour": brand.colour,
        },
    }
    text = render_text(read_template("message.txt.liquid"), {**common, "opening": opening, "closing": closing})
    page = {
        **common,
        "opening": _paragraphs(opening),
        "closing": _paragraphs(closing),
        "preview": _paragraphs(opening)[-1],
        "on_colour": _readable_on(brand.colour),
    }
    return Message(subject, text.strip() + "\n", render_html(read_template("message.html.liquid"), page))


def signed_by(words: Wording, brand: Brand) -> str:
    """Return who signs: whom the organisation says, else its accounts receivable, in the reader's language."""
    return clean(brand.signature) or words.labels["signature"]


def _reminder_line(words: Wording, line: ReminderLine, links: Links) -> dict[str, object]:
    return {
        "number": clean(line.number),
        "amount": words.money(line.amount_due),
        "details": [
            words.labelled_date("issued", line.issued_on),
            words.labelled_date("due", line.due_on),
            _lateness(words, line.days_overdue),
            words.labelled_money("invoice_total", line.total),
        ],
        "pay": links.pay_items.get(line.item_id),
        "file": links.files.get(line.item_id),
    }


def boxed(text: str, *, warns: bool = False) -> dict[str, str | bool]:
    """Return a paragraph that a message sets apart: what `warns` of something that went wrong looks like it."""
    return {"text": text, "warns": warns}


def news_of(words: Wording, setback: Setback, lines: Sequence[ReminderLine]) -> str:
    """What happened, with the numbers of the items in this message that are open again."""
    numbers = [clean(line.number) for line in lines if line.item_id in setback.item_ids]
    text = str(words.labels[f"payment_{setback.kind}"])
    for name, value in (
        ("amount", words.money(setback.amount)),
        ("date", words.day(setback.paid_on)),
        ("numbers", ", ".join(numbers)),  # last, since a number is not ours and may hold a brace
    ):
        text = text.replace(f"{{{name}}}", value)
    return " ".join([text, *about_decline(words, setback.decline)])


def early_payment(words: Wording, each: EarlyPayment) -> str:
    """Say what paying an invoice early costs less, and until when."""
    text = str(words.labels["pay_early"])
    for name, value in (
        ("to_pay", words.money(each.to_pay)),
        ("discount", words.money(each.discount)),
        ("date", words.day(each.last_on)),
        ("number", clean(each.number)),  # last, as above
    ):
        text = text.replace(f"{{{name}}}", value)
    return text


def about_decline(words: Wording, decline: Decline | None, *, is_tried_again: bool = False) -> list[str]:
    """Why it was declined, what to do next, and how it does not happen again, a sentence or two each.

    What is tried again by itself asks for nothing to be done.
    """
    if decline is None:
        return []
    todo = () if is_tried_again else (f"next_{decline.advice}",)
    labels = (f"declined_{decline.group}", *todo, f"prevent_{decline.group}")
    return [str(words.labels[label]) for label in labels]


def _lateness(words: Wording, days_overdue: int) -> str:
    if days_overdue > 0:
        return words.counted("overdue", days_overdue)
    return words.counted("due_in", -days_overdue) if days_overdue else str(words.labels["due_today"])


def _paid_line(words: Wording, line: PaidLine) -> dict[str, object]:
    open_amount = words.labelled_money("still_open", line.still_open)
    return {
        "number": clean(line.number),
        "amount": words.money(line.paid),
        "details": [open_amount if line.still_open else words.labels["fully_paid"]],
        "pay": None,
        "file": None,
    }


def _actions(words: Wording, tone: Tone, links: Links) -> list[dict[str, str]]:
    pay = {"label": words.labels["pay_all"], "url": links.pay}
    if tone is not Tone.UNDERSTANDING or links.plan is None:
        return [pay]
    return [{"label": words.labels["agree_plan"], "url": links.plan}, pay]


def labelled(words: Wording, links: Links, names: Sequence[str]) -> list[dict[str, str]]:
    """Return these links with their words."""
    return [{"label": words.labels[name], "url": getattr(links, name)} for name in names]


def clean(text: str) -> str:
    """One line without control characters: a name cannot start a header, a paragraph or a part of its own."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:MAX_NAME_CHARACTERS].strip()


def _paragraphs(text: str) -> list[str]:
    return [paragraph.strip() for paragraph in re.split(r"\n\s*\n", text) if paragraph.strip()] or [""]


def _readable_on(colour: str) -> str:
    """Black or white, whichever contrasts more with `colour` (WCAG 2 relative luminance, threshold 0.179)."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if luminance > 0.179 else "#ffffff"
