"""What the matcher is to reach, and what of it a run missed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from benchmarks.matching.report import Figures

MIN_PRECISION = 0.995
AIMS = {  # exact sets and automatic, by mix and whether there is history
    ("usual", True): (0.955, 0.90),
    ("shifted", True): (0.0, 0.85),
    ("usual", False): (0.93, 0.0),
}
SAP_AIMS = (0.965, 0.85)
MAX_SAP_WRONG = 2
MAX_BATCH_MS = 0.5  # 2,000 receipts a second
SPLINK, MIN_TIMES_SPLINK = "Splink 5, most exact", 5  # who links for accuracy takes the most exact settings
MAX_P99_MS = 5.0  # of one receipt against a million items
MIN_TIMES_TRIGRAMS = 50
MAX_BYTES_AN_ITEM = 500


def missed(found: Mapping[str, Sequence[Figures]]) -> list[str]:
    """Say which aims the parts of a run missed."""
    misses = [text for row in (*found.get("drawn", ()), *found.get("sap", ())) for text in _accuracy(row)]
    return [*misses, *_beside_peers(found.get("peers", ())), *_at_a_million(found.get("million", ()))]


def _accuracy(row: Figures) -> Iterator[str]:
    if row.case.startswith("sap"):
        exact, automatic = SAP_AIMS
        if (row.wrong or 0) > MAX_SAP_WRONG:
            yield f"{row.case}: {row.wrong} wrong applications"
    else:
        mix = "shifted" if "shifted" in row.case else "usual"
        exact, automatic = AIMS.get((mix, "with history" in row.case), (0.0, 0.0))
    applied, precision = row.automatic or 0.0, row.precision or 0.0
    if row.exact < exact or applied < automatic or precision < MIN_PRECISION:
        yield f"{row.case}: exact {row.exact:.4f}, automatic {applied:.4f}, precision {precision:.4f}"


def _beside_peers(rows: Sequence[Figures]) -> Iterator[str]:
    taken = {row.matcher: row.batch_ms or 0.0 for row in rows}
    if not rows:
        return
    ours, splink = taken["TrueDue"], taken[SPLINK]
    if ours > MAX_BATCH_MS:
        yield f"a batch: {1_000 / ours:,.0f} receipts a second"
    if splink < MIN_TIMES_SPLINK * ours:
        yield f"{splink / ours:.1f} times as fast as {SPLINK}"


def _at_a_million(rows: Sequence[Figures]) -> Iterator[str]:
    if not rows:
        return
    ours, trigrams = rows
    if (ours.p99_ms or 0.0) > MAX_P99_MS:
        yield f"{ours.case}: p99 {ours.p99_ms:.1f} ms"
    if (ours.bytes_an_item or 0.0) > MAX_BYTES_AN_ITEM:
        yield f"{ours.case}: {ours.bytes_an_item:.0f} bytes an item"
    if (trigrams.batch_ms or 0.0) < MIN_TIMES_TRIGRAMS * (ours.p50_ms or 0.0):
        yield f"{ours.case}: not {MIN_TIMES_TRIGRAMS} times as fast as {trigrams.matcher}"
