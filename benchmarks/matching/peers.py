"""What else there is, on the same files: a brute-force fuzzy search and simple blocking (Splink stands in `linkage`).

Each answers the same question, which set of items a receipt pays, as well as its idea allows: numbers in the text
first, several together where their sum is the amount,
else the item that fits best. None of them says when it does not know.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.matching.files import Row

Answers = dict[str, set[str]]
_LONG = re.compile(r"\d{4,}")
MIN_NAME = 60.0
MAX_SUM = 8


@dataclass(frozen=True)
class Peer:
    """The answers of one peer, the seconds that answering took a receipt, and those of all preparation together."""

    name: str
    answers: Answers
    seconds_a_receipt: float
    prepared_seconds: float


def digits(text: str) -> str:
    """The digits of a text."""
    return "".join(c for c in text if c.isdigit())


def tokens_of(receipt: Row) -> list[str]:
    """The long numbers in a receipt's text."""
    return _LONG.findall(receipt["remittance"])


def numbers_of(item: Row) -> list[str]:
    """The digits of an item's number and further references."""
    return [digits(number) for number in (item["number"], *item["references"].split("|")) if digits(number)]


def whole_set(named: Sequence[Row], receipt: Row) -> set[str] | None:
    """All that is named, where its sum is the amount to within a hundredth."""
    total = sum(float(item["amount_open"]) * (-1 if item["kind"] == "credit_note" else 1) for item in named)
    gross = float(receipt["amount"]) + float(receipt["fee"] or 0)
    if len(named) > 0 and abs(total - gross) <= 0.01 * gross:
        return {item["item_id"] for item in named}
    return None


def blocking(items: Sequence[Row], receipts: Sequence[Row]) -> Peer:
    """Items that share a number or the exact amount with the receipt; the likest name decides."""
    from rapidfuzz import fuzz  # noqa: PLC0415 - each peer brings its own library

    begun = time.process_time()
    by_number: defaultdict[str, list[Row]] = defaultdict(list)
    by_amount: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for item in items:
        for number in numbers_of(item):
            by_number[number].append(item)
        by_amount[item["currency"], item["amount_open"]].append(item)
    start = time.process_time()
    answers: Answers = {}
    for receipt in receipts:
        named = {i["item_id"]: i for token in tokens_of(receipt) for i in by_number.get(token, ())}
        whole = whole_set(list(named.values()), receipt)
        if whole is not None:
            answers[receipt["receipt_id"]] = whole
            continue
        gross = f"{float(receipt['amount']) + float(receipt['fee'] or 0):.2f}"
        same = by_amount.get((receipt["currency"], gross), [])
        liked = [(fuzz.token_set_ratio(receipt["payer_name"].upper(), i["customer_name"].upper()), i) for i in same]
        best = max(liked, key=lambda pair: pair[0], default=None)
        if best is not None and best[0] >= MIN_NAME:
            answers[receipt["receipt_id"]] = {best[1]["item_id"]}
        else:
            answers[receipt["receipt_id"]] = set(named)
    return Peer("simple blocking", answers, (time.process_time() - start) / len(receipts), start - begun)


def brute_force(items: Sequence[Row], receipts: Sequence[Row]) -> Peer:
    """Every receipt against every item by RapidFuzz: the number inside the text, the name, and the amount."""
    import numpy as np  # noqa: PLC0415 - each peer brings its own library
    from rapidfuzz import fuzz, process  # noqa: PLC0415

    begun = time.process_time()
    numbers = [digits(item["number"]) for item in items]
    names = [item["customer_name"].upper() for item in items]
    amounts = np.array([float(item["amount_open"]) for item in items])
    start = time.process_time()
    answers: Answers = {}
    for receipt in receipts:
        text, payer = digits(receipt["remittance"]), receipt["payer_name"].upper()
        number = process.cdist([text], numbers, scorer=fuzz.partial_ratio)[0] if text else np.zeros(len(items))
        name = process.cdist([payer], names, scorer=fuzz.token_set_ratio)[0] if payer else np.zeros(len(items))
        gross = float(receipt["amount"]) + float(receipt["fee"] or 0)
        near = 100 * np.clip(1 - np.abs(amounts - gross) / gross * 4, 0, 1)
        inside = [at for at in np.nonzero(number >= 99)[0].tolist() if numbers[at] in text and len(numbers[at]) > 4]
        whole = whole_set([items[at] for at in inside[:MAX_SUM]], receipt)
        score = 0.4 * number + 0.25 * name + 0.35 * near
        best = int(score.argmax())
        alone = {items[best]["item_id"]} if score[best] >= MIN_NAME else set()
        answers[receipt["receipt_id"]] = whole if whole is not None else alone
    return Peer("brute-force fuzzy", answers, (time.process_time() - start) / len(receipts), start - begun)
