"""Read a reply: of which kind it is, by which words, what speaks against being sure, which day and amount it names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

from receivables.money import Money
from reminders.replies.amounts import named_amounts
from reminders.replies.kinds import Evidence, ReplyKind, Understood
from reminders.replies.plain import folded, language_of, own_words, sentences
from reminders.replies.rules import Rules, rules
from reminders.replies.when import named_days

MAX_PROMISE_DAYS = 60
SHORT_WORDS = 2
MANY_WORDS_CHARS = 1_200  # who writes more than this says more than one thing
_LOOSE_NUMBER = re.compile(r"(?<![\w-])\d{2,}(?:[.,]\d+)*(?![\w-])")
# What may be said beside a kind and changes nothing about it.
_COMPATIBLE = {
    ReplyKind.OUT_OF_OFFICE: frozenset({ReplyKind.WRONG_CONTACT, ReplyKind.PROMISE, ReplyKind.QUESTION}),
    ReplyKind.PAID_ALREADY: frozenset({ReplyKind.QUESTION}),
    ReplyKind.SEND_AGAIN: frozenset({ReplyKind.QUESTION}),
    ReplyKind.WRONG_CONTACT: frozenset({ReplyKind.QUESTION}),
}
# A condition or a question mark does not weaken these.
_AS_IT_IS = frozenset({ReplyKind.QUESTION, ReplyKind.OUT_OF_OFFICE})
# What people ask for with a question; hinted at, it still comes before the question itself.
_ASKED_FOR = frozenset({ReplyKind.OPT_OUT, ReplyKind.SEND_AGAIN})
_SPOKEN = {
    ReplyKind.WRONG_CONTACT: "that somebody else should be written to",
    ReplyKind.OUT_OF_OFFICE: "that nobody is there",
    ReplyKind.DISPUTE: "that something is wrong with an invoice",
    ReplyKind.PAID_ALREADY: "that it is paid",
    ReplyKind.OPT_OUT: "that no more messages are wanted",
    ReplyKind.SEND_AGAIN: "that the invoice should be sent again",
    ReplyKind.PROMISE: "that it will be paid",
    ReplyKind.QUESTION: "that an answer is wanted",
}


def understand(
    text: str,
    *,
    came_on: date,
    currency: str,
    language: str = "en",
    subject: str = "",
    is_automatic: bool = False,
    month_first: bool = False,
) -> Understood:
    """Read what a payer wrote on `came_on`, their calendar; `currency` is what they owe in.

    `language` is the one they are written to, for words that do not say; `is_automatic` where the mail itself says that
    a machine wrote it (RFC 3834). `subject` counts only when a machine wrote it, or there are no other words: people
    leave ours as it is.
    """
    words = own_words(text)
    read = folded(words if words and not is_automatic else f"{words}\n\n{subject}".strip())
    evidence = list(_evidence(rules(), read))
    found = Understood(words=words, language=language_of(read) or language, kind=None)
    kind = _first_kind(evidence)
    if is_automatic:
        is_gone = _is_sure_of(evidence, ReplyKind.WRONG_CONTACT)
        kind = ReplyKind.WRONG_CONTACT if is_gone else ReplyKind.OUT_OF_OFFICE
    if kind is None:
        return replace(found, doubts=("It says nothing that is known.",))
    mine = [each for each in evidence if each.kind is kind]
    days = _days(read, kind, mine, came_on=came_on, month_first=month_first)
    amounts = named_amounts(read, currency=currency)
    return replace(
        found,
        kind=kind,
        evidence=_shown(evidence, len(words)),
        day=days[-1] if days else None,
        amount=amounts[0] if len(amounts) == 1 else None,
        doubts=tuple(
            _doubts(kind, evidence, read, days, amounts, came_on=came_on)
            if not is_automatic
            else _doubts_of_machine(kind, evidence)
        ),
    )


def _evidence(known: Rules, text: str) -> Iterator[Evidence]:
    for start, end in sentences(text):
        sentence = text[start:end]
        is_question = sentence.endswith("?")
        has_condition = any(each.search(sentence) for each in known.conditions)
        for each in known.kinds:
            if is_question and each.kind is ReplyKind.PAID_ALREADY:
                continue  # whoever asks whether it is paid does not say so
            is_less = has_condition or (is_question and not each.is_polite)
            for found in each.read(sentence, start):
                yield found if each.kind in _AS_IT_IS or not is_less else replace(found, is_sure=False)


def _first_kind(evidence: Sequence[Evidence]) -> ReplyKind | None:
    """The first kind that is said for sure, else what is asked for, else the first that is hinted at."""
    said, sure = {each.kind for each in evidence}, {each.kind for each in evidence if each.is_sure}
    asked = {ReplyKind.QUESTION}
    for kinds in (sure - asked, said & _ASKED_FOR if sure & asked else set(), sure & asked, said - asked, said):
        for kind in ReplyKind:
            if kind in kinds:
                return kind
    return None


def _is_sure_of(evidence: Iterable[Evidence], kind: ReplyKind) -> bool:
    return any(each.kind is kind and each.is_sure for each in evidence)


def _doubts(
    kind: ReplyKind,
    evidence: Sequence[Evidence],
    text: str,
    days: Sequence[date],
    amounts: Sequence[Money],
    *,
    came_on: date,
) -> Iterator[str]:
    yield from _doubts_of_others(kind, {each.kind for each in evidence})
    if not _is_sure_of(evidence, kind):
        yield "It only hints at it, sets a condition or asks."
    for word in _turning(text, [each for each in evidence if each.kind is kind and each.is_sure]):
        yield f"“{word}” may turn what it says."
    if any(_is_unread(text, start, end, evidence) for start, end in sentences(text)):
        yield "A part of it is not understood."
    if len(text) > MANY_WORDS_CHARS:
        yield "It is long and may say more."
    if kind is ReplyKind.PROMISE:
        yield from _doubts_of_promise(text, days, amounts, came_on)


def _doubts_of_machine(kind: ReplyKind, evidence: Sequence[Evidence]) -> Iterator[str]:
    """What a machine wrote holds many phrases: only what it says for sure beside that nobody is there counts."""
    yield from _doubts_of_others(kind, {each.kind for each in evidence if each.is_sure})


def _doubts_of_others(kind: ReplyKind, said: set[ReplyKind]) -> Iterator[str]:
    others = said - {kind} - _COMPATIBLE.get(kind, frozenset())
    for other in ReplyKind:
        if other in others:
            yield f"It may also say {_SPOKEN[other]}."


def _turning(text: str, mine: Sequence[Evidence]) -> Iterator[str]:
    """Yield the words beside what a rule found, in the same sentence, that may turn its meaning."""
    for start, end in sentences(text):
        if not any(start <= each.start < end for each in mine):
            continue
        for turn in rules().turns:
            for found in turn.finditer(text, start, end):
                if not any(each.start <= found.start() < each.end for each in mine):
                    yield found[0]


def _is_unread(text: str, start: int, end: int, evidence: Sequence[Evidence]) -> bool:
    """Whether no rule knows what a sentence says; courtesies ask nothing, and neither do two words."""
    if len(text[start:end].split()) <= SHORT_WORDS or any(start <= each.start < end for each in evidence):
        return False
    return not any(each.search(text[start:end]) for each in rules().courtesies)


def _doubts_of_promise(text: str, days: Sequence[date], amounts: Sequence[Money], came_on: date) -> Iterator[str]:
    if not days:
        yield "It does not say on which day."
    elif len(days) > 1:
        yield "It names several days."
    elif not came_on <= days[0] <= came_on + timedelta(days=MAX_PROMISE_DAYS):
        yield f"The day is not within {MAX_PROMISE_DAYS} days from now."
    if len(amounts) > 1:
        yield "It names several amounts."
    if not amounts and _loose_number(text, came_on):
        yield "It names a number that may be an amount."


def _loose_number(text: str, came_on: date) -> bool:
    days = named_days(text, came_on=came_on)
    return any(not any(day.start <= found.start() < day.end for day in days) for found in _LOOSE_NUMBER.finditer(text))


def _days(text: str, kind: ReplyKind, mine: Sequence[Evidence], *, came_on: date, month_first: bool) -> list[date]:
    """The different days named in the sentences that say this kind, the earliest first."""
    is_past = kind is ReplyKind.PAID_ALREADY
    found: set[date] = set()
    for start, end in sentences(text):
        if any(start <= each.start < end for each in mine) or kind is ReplyKind.OUT_OF_OFFICE:
            named = named_days(text[start:end], came_on=came_on, is_past=is_past, month_first=month_first)
            found |= {each.day for each in named}
    return sorted(found)


def _shown(evidence: Iterable[Evidence], length: int) -> tuple[Evidence, ...]:
    """The evidence within the payer's own words, in their order; of what overlaps the surest and longest."""
    ranked = sorted(evidence, key=lambda each: (not each.is_sure, each.start - each.end, each.start))
    kept: list[Evidence] = []
    for each in ranked:
        if each.end <= length and not any(each.start < other.end and other.start < each.end for other in kept):
            kept.append(each)
    return tuple(sorted(kept, key=lambda each: each.start))
