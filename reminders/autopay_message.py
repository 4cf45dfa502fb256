"""The words about autopay: what is taken in the next days, and what could not be taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from receivables.decline import Decline
from receivables.money import Money, total
from reminders.autopay import CARD
from reminders.message import Brand, Links, Message, about_decline, boxed, clean, compose, labelled, parts_of
from reminders.wording import Wording, read_template, wording


@dataclass(frozen=True, slots=True)
class Means:
    """A saved means of payment: its kind, as the processor calls it, and the last characters of its number."""

    method: str
    ending: str


@dataclass(frozen=True, slots=True)
class AutomaticLine:
    """An invoice that is taken on a day."""

    number: str
    amount: Money
    day: date


@dataclass(frozen=True, slots=True)
class FailedLine:
    """An invoice that could not be taken: from when on it is tried again, or the page on which its payer pays it."""

    number: str
    amount: Money
    again_from: date | None
    pay: str


def named(means: Means, words: Wording) -> str:
    """Say which means it is, as its owner knows it."""
    labels = words.labels["autopay"]
    if not means.ending:
        return str(labels["means"])
    return str(labels["card" if means.method == CARD else "account"]).replace("{ending}", clean(means.ending))


def render_ahead(
    *,
    recipient: str,
    lines: Sequence[AutomaticLine],
    means: Means,
    brand: Brand,
    links: Links,
    language: str,
) -> Message:
    """Say in `language` what is taken from the payer's means, and on which day; they need do nothing."""
    words = wording(language)
    shown = [(each.number, each.amount, words.labels["autopay"]["taken_on"], each.day, "") for each in lines]
    return _written(
        "autopay_ahead",
        words,
        recipient=recipient,
        shown=shown,
        means=means,
        links_named=("portal", "dispute", "question", "unsubscribe"),
        brand=brand,
        links=links,
        news=[],
    )


def render_failed(
    *,
    recipient: str,
    lines: Sequence[FailedLine],
    means: Means,
    decline: Decline | None,
    is_paused: bool,
    brand: Brand,
    links: Links,
    language: str,
) -> Message:
    """Say in `language` what could not be taken and why, what follows, and where it is paid instead."""
    words = wording(language)
    labels = words.labels["autopay"]
    shown = [
        (each.number, each.amount, labels["again" if each.again_from else "yours"], each.again_from, each.pay)
        for each in lines
    ]
    told = about_decline(words, decline, is_tried_again=all(each.again_from for each in lines))
    news = [*([" ".join(told)] if told else []), *([str(labels["paused"])] if is_paused else [])]
    return _written(
        "autopay_failed",
        words,
        recipient=recipient,
        shown=shown,
        means=means,
        links_named=("portal", "question", "unsubscribe"),
        brand=brand,
        links=links,
        news=news,
    )


def _written(
    template: str,
    words: Wording,
    *,
    recipient: str,
    shown: Sequence[tuple[str, Money, str, date | None, str]],
    means: Means,
    links_named: Sequence[str],
    brand: Brand,
    links: Links,
    news: Sequence[str],
) -> Message:
    amounts = [amount for _, amount, *_ in shown]
    whole = total(amounts, amounts[0].currency)
    spoken = {
        "recipient": clean(recipient),
        "sender": clean(brand.name),
        "means": named(means, words),
        "total": words.money(whole),
    }
    layout = {
        "lines": [
            {
                "number": clean(number),
                "amount": words.money(amount),
                "details": [label.replace("{date}", words.day(day)) if day else label],
                "pay": pay or None,
                "file": None,
            }
            for number, amount, label, day, pay in shown
        ],
        "amount_label": words.labels["autopay"]["amount"],
        "total_label": words.labels["autopay"]["total"],
        "totals": [words.money(whole)],
        "actions": [],
        "links": labelled(words, links, links_named),
        "news": [boxed(text, warns=True) for text in news],
    }
    return compose(words, parts_of(read_template(f"{words.language}/{template}.liquid"), spoken), layout, brand)
