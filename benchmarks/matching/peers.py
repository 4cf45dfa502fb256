"""What else there is, on the same files: a brute-force fuzzy search, simple blocking, and Splink on DuckDB.

Each answers the same question, which set of items a receipt pays, as well as its idea allows: numbers in the text
first, several together where their sum is the amount,
else the item that fits best. None of them says when it does not know.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.matching.files import Row

Answers = dict[str, set[str]]
_LONG = re.compile(r"\d{4,}")
MIN_NAME = 60.0
MAX_SUM = 8


@dataclass(frozen=True)
class Peer:
    """The answers of one peer, and the seconds that it took a receipt, preparation apart."""

    name: str
    answers: Answers
    seconds_a_receipt: float


def digits(text: str) -> str:
    """The digits of a text."""
    return "".join(c for c in text if c.isdigit())


def _tokens(receipt: Row) -> list[str]:
    return _LONG.findall(receipt["remittance"])


def _numbers(item: Row) -> list[str]:
    return [digits(number) for number in (item["number"], *item["references"].split("|")) if digits(number)]


def _whole_set(named: Sequence[Row], receipt: Row) -> set[str] | None:
    """All that is named, where its sum is the amount to within a hundredth."""
    total = sum(float(item["amount_open"]) * (-1 if item["kind"] == "credit_note" else 1) for item in named)
    gross = float(receipt["amount"]) + float(receipt["fee"] or 0)
    if len(named) > 0 and abs(total - gross) <= 0.01 * gross:
        return {item["item_id"] for item in named}
    return None


def blocking(items: Sequence[Row], receipts: Sequence[Row]) -> Peer:
    """Items that share a number or the exact amount with the receipt; the likest name decides."""
    from rapidfuzz import fuzz  # noqa: PLC0415 - each peer brings its own library

    by_number: defaultdict[str, list[Row]] = defaultdict(list)
    by_amount: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for item in items:
        for number in _numbers(item):
            by_number[number].append(item)
        by_amount[item["currency"], item["amount_open"]].append(item)
    start = time.process_time()
    answers: Answers = {}
    for receipt in receipts:
        named = {i["item_id"]: i for token in _tokens(receipt) for i in by_number.get(token, ())}
        whole = _whole_set(list(named.values()), receipt)
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
    return Peer("simple blocking", answers, (time.process_time() - start) / len(receipts))


def brute_force(items: Sequence[Row], receipts: Sequence[Row]) -> Peer:
    """Every receipt against every item by RapidFuzz: the number inside the text, the name, and the amount."""
    import numpy as np  # noqa: PLC0415 - each peer brings its own library
    from rapidfuzz import fuzz, process  # noqa: PLC0415

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
        whole = _whole_set([items[at] for at in inside[:MAX_SUM]], receipt)
        score = 0.4 * number + 0.25 * name + 0.35 * near
        best = int(score.argmax())
        alone = {items[best]["item_id"]} if score[best] >= MIN_NAME else set()
        answers[receipt["receipt_id"]] = whole if whole is not None else alone
    return Peer("brute-force fuzzy", answers, (time.process_time() - start) / len(receipts))


def splink(items: Sequence[Row], receipts: Sequence[Row]) -> Peer:
    """Splink's Fellegi-Sunter model on DuckDB: a row for each number of a text, trained by expectation maximisation."""
    import duckdb  # noqa: PLC0415 - each peer brings its own library
    import splink.comparison_library as cl  # noqa: PLC0415
    from splink import Linker, SettingsCreator, block_on  # noqa: PLC0415
    from splink.backends.duckdb import DuckDBAPI  # noqa: PLC0415

    settings = SettingsCreator(
        link_type="link_only",
        comparisons=[
            cl.DamerauLevenshteinAtThresholds("reference", [1, 2]),
            cl.JaroWinklerAtThresholds("name", [0.95, 0.85]),
            cl.ExactMatch("amount"),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("reference"),
            block_on("amount", "substr(name, 1, 4)"),
            "l.amount = r.amount and l.reference is not null and substr(l.reference, 1, 3) = substr(r.reference, 1, 3)",
        ],
        probability_two_random_records_match=1 / len(items),
    )
    ours = [row for item in items for row in _item_rows(item)]
    theirs = [row for receipt in receipts for row in _receipt_rows(receipt)]
    start = time.process_time()
    api = DuckDBAPI(duckdb.connect(config={"threads": "1"}))
    tables = [
        api.register(_table(rows), dataset_display_name=name) for rows, name in ((ours, "items"), (theirs, "receipts"))
    ]
    linker: Any = Linker(tables, settings, log_level="ERROR")
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("amount", "substr(name, 1, 4)"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("reference"))
    pairs = linker.inference.predict(threshold_match_probability=0.5).as_record_list()
    answers = _best_of(pairs, items, receipts)
    return Peer("Splink 5 on DuckDB", answers, (time.process_time() - start) / len(receipts))


def _table(rows: Sequence[Row]) -> Any:  # noqa: ANN401 - an Arrow table, whose package has no types
    import pyarrow as pa  # noqa: PLC0415 - comes with Splink

    return pa.Table.from_pylist([{name: value or None for name, value in row.items()} for row in rows])


def _item_rows(item: Row) -> list[Row]:
    about = {"name": item["customer_name"].upper(), "amount": item["amount_open"]}
    return [
        about | {"unique_id": f"{item['item_id']}#{at}", "reference": number}
        for at, number in enumerate(_numbers(item))
    ]


def _receipt_rows(receipt: Row) -> list[Row]:
    gross = f"{float(receipt['amount']) + float(receipt['fee'] or 0):.2f}"
    about = {"name": receipt["payer_name"].upper(), "amount": gross}
    tokens = _tokens(receipt) or [""]
    return [about | {"unique_id": f"{receipt['receipt_id']}#{at}", "reference": t} for at, t in enumerate(tokens)]


def _best_of(pairs: Iterable[dict[str, Any]], items: Sequence[Row], receipts: Sequence[Row]) -> Answers:
    known = {item["item_id"]: item for item in items}
    found: defaultdict[str, dict[str, float]] = defaultdict(dict)
    named: defaultdict[str, dict[str, Row]] = defaultdict(dict)
    for pair in pairs:
        sides = {pair["source_dataset_l"]: pair["unique_id_l"], pair["source_dataset_r"]: pair["unique_id_r"]}
        item_id, receipt_id = sides["items"].partition("#")[0], sides["receipts"].partition("#")[0]
        chance = float(pair["match_probability"])
        found[receipt_id][item_id] = max(chance, found[receipt_id].get(item_id, 0.0))
        if pair["reference_l"] == pair["reference_r"]:
            named[receipt_id][item_id] = known[item_id]
    answers: Answers = {}
    for receipt in receipts:
        receipt_id = receipt["receipt_id"]
        whole = _whole_set(list(named[receipt_id].values()), receipt)
        chances = found[receipt_id]
        best = {max(chances, key=lambda item_id: chances[item_id])} if chances else set()
        answers[receipt_id] = whole if whole is not None else best
    return answers


PEERS: dict[str, Callable[[Sequence[Row], Sequence[Row]], Peer]] = {
    "brute": brute_force,
    "blocking": blocking,
    "splink": splink,
}
