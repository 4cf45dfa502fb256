"""Our matcher on one folder, in a process of its own: prints one JSON object with every answer and what it took."""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from types import BuiltinFunctionType
from typing import Any

import numpy as np  # noqa: F401 - imported ahead, as the peers' libraries are: a process pays for it once

from benchmarks.matching.ablations import without
from receivables.receipt import Receipt
from reconcile.calibrate import History
from reconcile.candidates import OpenItemIndex
from reconcile.match import propose
from runtime.long_lived import keep_long_lived
from runtime.operations.matching.match_files import read_history, read_open_items, read_receipts

SINGLES = 1_000  # receipts that are also answered one at a time


def measure(now: Path, history: Path | None, idea: str | None) -> dict[str, Any]:
    """Match the receipts of a folder, all together and some one at a time; the seconds are of the process's own CPU."""
    with without(idea) if idea else nullcontext():
        start = time.process_time()
        known = read_history(history) if history else None
        learned = time.process_time()
        items = read_open_items(now / "open_items.csv")
        receipts = read_receipts(now / "receipts.csv")
        read = time.process_time()
        before = _mib("VmRSS")
        index = OpenItemIndex(items)
        bytes_an_item = (_mib("VmRSS") - before) * 2**20 / len(items)
        keep_long_lived()
        built = time.process_time()
        as_of = max(receipt.received_on for receipt in receipts)
        proposals = propose(index=index, receipts=receipts, history=known, as_of=as_of)
        matched = time.process_time()
        singles = _one_by_one(index, receipts, known)
    return {
        "compiled": isinstance(propose, BuiltinFunctionType),
        "answers": {
            p.receipt_id: [p.decision.value, {a.item_id: a.amount.minor for a in p.best.allocations}] for p in proposals
        },
        "learn_seconds": learned - start,
        "index_seconds": built - read,
        "whole_seconds": matched - start,
        "receipts_a_second": len(receipts) / (matched - built),
        "single_p50_ms": statistics.median(singles),
        "single_p99_ms": sorted(singles)[int(0.99 * len(singles))],
        "peak_mib": _mib("VmHWM"),
        # What learning left behind is used again, so that the index seems to take less.
        "bytes_an_item": None if history else bytes_an_item,
    }


def _one_by_one(index: OpenItemIndex, receipts: Sequence[Receipt], known: History | None) -> list[float]:
    gc.collect()
    gc.freeze()
    taken = []
    for receipt in receipts[:: max(1, len(receipts) // SINGLES)]:
        start = time.process_time()
        propose(index=index, receipts=[receipt], history=known, as_of=receipt.received_on)
        taken.append((time.process_time() - start) * 1_000)
    return taken


def _mib(name: str) -> float:
    """VmRSS: the memory held now, VmHWM: the most since this program began; getrusage's includes the parent's."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024


def main() -> int:
    """Measure one folder."""
    parser = argparse.ArgumentParser(prog="ours", description=__doc__)
    parser.add_argument("now", type=Path)
    parser.add_argument("--history", type=Path)
    parser.add_argument("--without")
    given = parser.parse_args()
    json.dump(measure(given.now, given.history, given.without), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
