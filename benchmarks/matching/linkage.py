"""Splink on DuckDB, with narrow settings and with the most exact ones that were found, each answering in SQL.

A row stands for each number of a text, so that a list links to several items. Most exact was tried out on drawn data
of another seed: exact amounts, whole names, their beginnings, and both ends of damaged numbers block; names are
compared in four steps and amounts by per cent; and whatever pair is likeliest is taken, however unlikely. Stricter
thresholds and term frequencies of names found fewer right sets; near amounts with names that begin alike, as one
more block, found two more in ten thousand and took twice as long.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.matching.files import Row
from benchmarks.matching.peers import Answers, Peer, numbers_of, tokens_of, whole_set

SAMPLED_PAIRS = 1e6  # from which Splink learns how often values agree by chance
_TRAINED_ON = (("amount", "substr(name, 1, 4)"), ("reference",))
_BEST = """
SELECT split_part(unique_id_r, '#', 1), arg_max(split_part(unique_id_l, '#', 1), match_probability)
FROM {this} WHERE source_dataset_l = 'items' GROUP BY 1
"""
_NAMED = """
SELECT DISTINCT split_part(unique_id_r, '#', 1), split_part(unique_id_l, '#', 1)
FROM {this} WHERE source_dataset_l = 'items' AND reference_l = reference_r
"""


@dataclass(frozen=True)
class Settings:
    """What is compared, which pairs are looked at, and how likely a pair must be."""

    name: str
    comparisons: Sequence[Any]
    rules: Sequence[Any]
    threshold: float


def narrow(items: Sequence[Row], receipts: Sequence[Row]) -> Peer:
    """Few pairs are looked at: the fastest settings that are of use."""
    import splink.comparison_library as cl  # noqa: PLC0415 - each peer brings its own library
    from splink import block_on  # noqa: PLC0415

    near = "l.amount = r.amount and l.reference is not null and substr(l.reference, 1, 3) = substr(r.reference, 1, 3)"
    comparisons = [
        cl.DamerauLevenshteinAtThresholds("reference", [1, 2]),
        cl.JaroWinklerAtThresholds("name", [0.95, 0.85]),
        cl.ExactMatch("amount"),
    ]
    rules = [block_on("reference"), block_on("amount", "substr(name, 1, 4)"), near]
    return _link(items, receipts, Settings("Splink 5, narrow", comparisons, rules, 0.5))


def thorough(items: Sequence[Row], receipts: Sequence[Row]) -> Peer:
    """The most exact settings."""
    import splink.comparison_level_library as cll  # noqa: PLC0415
    import splink.comparison_library as cl  # noqa: PLC0415
    from splink import block_on  # noqa: PLC0415

    steps = [cll.PercentageDifferenceLevel("cash", share) for share in (0.01, 0.05, 0.3)]
    comparisons = [
        cl.DamerauLevenshteinAtThresholds("reference", [1, 2]),
        cl.JaroWinklerAtThresholds("name", [0.95, 0.88, 0.7]),
        cl.CustomComparison(
            output_column_name="cash",
            comparison_levels=[cll.NullLevel("cash"), cll.ExactMatchLevel("cash"), *steps, cll.ElseLevel()],
        ),
    ]
    rules = [
        block_on("reference"),
        block_on("currency", "amount"),
        block_on("currency", "name"),
        "l.currency = r.currency and substr(l.name, 1, 10) = substr(r.name, 1, 10)",
        "substr(l.reference, 1, 5) = substr(r.reference, 1, 5) and levenshtein(l.reference, r.reference) <= 2",
        "right(l.reference, 5) = right(r.reference, 5)",
    ]
    return _link(items, receipts, Settings("Splink 5, most exact", comparisons, rules, 0.001))


def _link(items: Sequence[Row], receipts: Sequence[Row], settings: Settings) -> Peer:
    """Prepare (load, train), then answer (predict, pick), on one core."""
    import duckdb  # noqa: PLC0415
    from splink import Linker, SettingsCreator, block_on  # noqa: PLC0415
    from splink.backends.duckdb import DuckDBAPI  # noqa: PLC0415

    start = time.process_time()
    api = DuckDBAPI(duckdb.connect(config={"threads": "1"}))
    ours = [row for item in items for row in _item_rows(item)]
    theirs = [row for receipt in receipts for row in _receipt_rows(receipt)]
    linker: Any = Linker(
        [api.register(_table(r), dataset_display_name=name) for name, r in (("items", ours), ("receipts", theirs))],
        SettingsCreator(
            link_type="link_only",
            comparisons=list(settings.comparisons),
            blocking_rules_to_generate_predictions=list(settings.rules),
            probability_two_random_records_match=1 / len(items),
        ),
        log_level="ERROR",
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=SAMPLED_PAIRS, seed=1)
    for columns in _TRAINED_ON:
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*columns))
    known = {item["item_id"]: item for item in items}
    prepared = time.process_time()
    pairs = linker.inference.predict(threshold_match_probability=settings.threshold)
    best = dict(pairs.query_sql(_BEST).as_duckdbpyrelation().fetchall())
    named: defaultdict[str, list[Row]] = defaultdict(list)
    for receipt_id, item_id in pairs.query_sql(_NAMED).as_duckdbpyrelation().fetchall():
        named[receipt_id].append(known[item_id])
    answers: Answers = {}
    for receipt in receipts:
        receipt_id = receipt["receipt_id"]
        whole = whole_set(named[receipt_id], receipt)
        answers[receipt_id] = whole if whole is not None else {best[receipt_id]} if receipt_id in best else set()
    taken = time.process_time() - prepared
    return Peer(settings.name, answers, taken / len(receipts), prepared - start)


def _table(rows: Sequence[Row]) -> Any:  # noqa: ANN401 - an Arrow table, whose package has no types
    import pyarrow as pa  # noqa: PLC0415 - comes with Splink

    plain = ({name: value or None for name, value in row.items()} for row in rows)
    return pa.Table.from_pylist([row | {"cash": float(row["amount"] or 0)} for row in plain])


def _item_rows(item: Row) -> list[Row]:
    about = {"name": item["customer_name"].upper(), "amount": item["amount_open"], "currency": item["currency"]}
    return [
        about | {"unique_id": f"{item['item_id']}#{at}", "reference": number}
        for at, number in enumerate(numbers_of(item))
    ]


def _receipt_rows(receipt: Row) -> list[Row]:
    gross = f"{float(receipt['amount']) + float(receipt['fee'] or 0):.2f}"
    about = {"name": receipt["payer_name"].upper(), "amount": gross, "currency": receipt["currency"]}
    tokens = tokens_of(receipt) or [""]
    return [about | {"unique_id": f"{receipt['receipt_id']}#{at}", "reference": t} for at, t in enumerate(tokens)]
