"""`make bench-matching`: our matcher on drawn and published data, its peers in the same run, and its ideas one by one.

The drawn data comes from a seed that nothing was tuned on. Times are of the process's own CPU, so that others on the
machine do not count; PostgreSQL's are of the clock. What each part found is kept in `var/bench-matching`, so that parts
can be run one after another (`ARGS="--parts million"`); `--write` puts the newest of all of them into `docs/`.
Exit 1 when an aim is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.matching.ablations import ABLATIONS
from benchmarks.matching.aims import missed
from benchmarks.matching.files import Case, Row, draw_case, read_rows
from benchmarks.matching.linkage import narrow, thorough
from benchmarks.matching.peers import Peer, blocking, brute_force
from benchmarks.matching.report import Figures, draw_plot, figures_of, table, write_page
from benchmarks.matching.sap import export_sap, read_sap
from benchmarks.matching.trigrams import trigrams
from benchmarks.matching.world import NUMBERINGS
from tests.shared import shared_data

HELD_OUT_SEED = 20_261_129
RUN_SECONDS = 3_600
BRUTE_SAMPLE = 200  # receipts that the slow peer is asked about
TRIGRAM_SAMPLE = 50
MANY_ITEMS, MANY_RECEIPTS = 1_000_000, 2_000
COMPILED = "build/compiled"
KEPT = Path("var/bench-matching")


@dataclass(frozen=True)
class Draw:
    """What is drawn and where."""

    folder: Path
    seed: int
    items: int
    receipts: int

    def case(self, numbering: str, mix: str) -> Case:
        """Draw a case."""
        name = f"{numbering} numbers, {mix} mix"
        _tell(f"{name}, {self.items:,} items")
        return draw_case(
            self.folder / f"{numbering}-{mix}-{self.items}", name=name, seed=self.seed, numbering=numbering, mix=mix,
            items=self.items, receipts=self.receipts,
        )  # fmt: skip


def run_ours(now: Path, *, history: Path | None = None, idea: str | None = None, plain: bool = False) -> dict[str, Any]:
    """Match a folder in a process of its own, by the compiled matcher; one without an idea can only be plain."""
    is_plain = plain or idea is not None
    command = [sys.executable, "-P", "-m", "benchmarks.matching.ours", str(now)]
    command += ["--history", str(history)] if history else []
    command += ["--without", idea] if idea else []
    path = os.pathsep.join(["."] if is_plain else [COMPILED, "."])
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=RUN_SECONDS, check=False, env=os.environ | {"PYTHONPATH": path}
    )
    if done.returncode:
        raise SystemExit(f"our matcher failed:\n{done.stderr[-2_000:]}")
    answers: dict[str, Any] = json.loads(done.stdout)
    if answers["compiled"] is is_plain:
        raise SystemExit(f"{COMPILED} is not what was run: `make compiled` makes it")
    return answers


def measure_drawn(draw: Draw) -> Iterator[Figures]:
    """Our matcher on each kind of drawn data, with history and without."""
    for numbering, mix in product(NUMBERINGS, ("usual", "shifted")):
        case = draw.case(numbering, mix)
        for history in (case.history, None):
            name = f"{case.name}, {'with' if history else 'no'} history"
            yield figures_of(name, "TrueDue", run_ours(case.now, history=history), _truth(case))


def measure_peers(draw: Draw) -> Iterator[Figures]:
    """Our matcher and its peers on the same files without history; the slow one on a sample."""
    case = draw.case("sequential", "usual")
    yield figures_of(case.name, "TrueDue", run_ours(case.now), _truth(case))
    yield figures_of(case.name, "TrueDue, not compiled", run_ours(case.now, plain=True), _truth(case))
    start = time.process_time()
    items, receipts = read_rows(case.now / "open_items.csv"), read_rows(case.now / "receipts.csv")
    read_seconds = time.process_time() - start
    sample = receipts[:: max(1, len(receipts) // BRUTE_SAMPLE)]
    for peer, asked in ((brute_force, sample), (blocking, receipts), (narrow, receipts), (thorough, receipts)):
        _tell(peer.__name__)
        found = peer(items, asked)
        whole_ms = 1_000 * ((read_seconds + found.prepared_seconds) / len(receipts) + found.seconds_a_receipt)
        yield replace(_figures_of_peer(case, asked, found), whole_ms=whole_ms)


def measure_ideas(draw: Draw) -> Iterator[Figures]:
    """Our matcher without one idea at a time, without history."""
    case = draw.case("sequential", "usual")
    for idea in ABLATIONS:
        _tell(f"without {idea}")
        yield figures_of(case.name, f"without: {idea}", run_ours(case.now, idea=idea), _truth(case))


def measure_million(draw: Draw) -> Iterator[Figures]:
    """Our matcher at a million items, and a database's trigrams on the same."""
    many = Draw(draw.folder, draw.seed, MANY_ITEMS, MANY_RECEIPTS)
    case = many.case("sequential", "usual")
    yield figures_of(f"{case.name}, {MANY_ITEMS:,} items", "TrueDue", run_ours(case.now), _truth(case))
    _tell("trigrams")
    items, receipts = read_rows(case.now / "open_items.csv"), read_rows(case.now / "receipts.csv")
    asked = receipts[:: len(receipts) // TRIGRAM_SAMPLE]
    yield _figures_of_peer(case, asked, trigrams(items, asked), f"{case.name}, {MANY_ITEMS:,} items")


def measure_sap(draw: Draw) -> Iterator[Figures]:
    """The published data whole, without history, and one half after learning from the other."""
    folder = draw.folder / "sap"
    data = read_sap(shared_data() / "cash_application" / "sap_single")
    truth = {receipt: dict.fromkeys(items) for receipt, items in data.truth().items()}
    export_sap(folder / "all", data)
    export_sap(folder / "before", data, lambda at: at % 2 == 0)
    export_sap(folder / "after", data, lambda at: at % 2 == 1)
    yield figures_of("sap_single, no history", "TrueDue", run_ours(folder / "all"), truth)
    half = run_ours(folder / "after", history=folder / "before")
    yield figures_of("sap_single, half with history", "TrueDue", half, truth)


PARTS: dict[str, Callable[[Draw], Iterator[Figures]]] = {
    "drawn": measure_drawn,
    "sap": measure_sap,
    "peers": measure_peers,
    "million": measure_million,
    "ideas": measure_ideas,
}


def _truth(case: Case) -> dict[str, dict[str, int]]:
    return {receipt_id: paid for receipt_id, (_, paid) in case.truth.items()}


def _figures_of_peer(case: Case, asked: Sequence[Row], found: Peer, name: str | None = None) -> Figures:
    right = sum(found.answers[r["receipt_id"]] == case.truth[r["receipt_id"]][1].keys() for r in asked)
    return Figures(
        case=name or case.name,
        matcher=found.name,
        receipts=len(asked),
        exact=right / len(asked),
        batch_ms=found.seconds_a_receipt * 1_000,
    )


def _kept(part: str) -> list[Figures]:
    """What a part found when it was last run."""
    file = KEPT / f"{part}.json"
    return [Figures(**row) for row in json.loads(file.read_text(encoding="utf-8"))] if file.exists() else []


def _tell(text: str) -> None:
    if sys.stderr.isatty():
        print(text, file=sys.stderr)


def main() -> int:
    """Measure the parts asked for, print what they found, and say what is missed."""
    parser = argparse.ArgumentParser(prog="bench-matching", description=__doc__)
    parser.add_argument("--seed", type=int, default=HELD_OUT_SEED)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--receipts", type=int, default=10_000)
    parser.add_argument("--parts", default=",".join(PARTS), help="some of drawn, sap, peers, million, ideas; or none")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", action="store_true", help="put tables and plot of all parts into docs/")
    given = parser.parse_args()
    parts = [part for part in given.parts.split(",") if part and part != "none"]
    unknown = set(parts) - PARTS.keys()
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    KEPT.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[Figures]] = {}
    with tempfile.TemporaryDirectory(prefix="truedue-bench-matching-") as text:
        draw = Draw(Path(text), given.seed, given.items, given.receipts)
        for part in parts:
            found[part] = list(PARTS[part](draw))
            (KEPT / f"{part}.json").write_text(json.dumps([row.as_json() for row in found[part]]), encoding="utf-8")
    if given.write:
        every = {part: _kept(part) for part in PARTS}
        intro = f"{given.items:,} open items, {given.receipts:,} receipts, seed {given.seed}, {os.cpu_count()} cores."
        write_page(
            [intro, *map(table, filter(None, every.values())), "![Exact sets and automatic share](matching.svg)"]
        )
        draw_plot([*every["drawn"], *every["sap"], *every["peers"][2:]])
    rows = [row for part in found.values() for row in part]
    print(json.dumps([row.as_json() for row in rows]) if given.json else "\n\n".join(map(table, found.values())))
    misses = missed(found)
    for text in misses:
        print(f"missed: {text}", file=sys.stderr)
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
