"""Figures from answers and truth, and the table and plot in `docs/`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "matching.md"
PLOT = DOCS / "matching.svg"
BEGIN, END = "<!-- figures: made by `make bench-matching` -->", "<!-- end of figures -->"
TWO_SIDED_95 = 1.96  # normal quantile

Truth = Mapping[str, Mapping[str, int | None]]


@dataclass(frozen=True)
class Figures:
    """One row of the table. `precision` is of what was applied, with its 95 % interval; None where it never says."""

    case: str
    matcher: str
    receipts: int
    exact: float
    automatic: float | None = None
    wrong: int | None = None
    precision: float | None = None
    low: float | None = None
    high: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    batch_ms: float | None = None
    whole_ms: float | None = None
    peak_mib: float | None = None
    bytes_an_item: float | None = None

    def as_json(self) -> dict[str, Any]:
        """The row as plain data."""
        return asdict(self)


def figures_of(case: str, matcher: str, run: Mapping[str, Any], truth: Truth) -> Figures:
    """Compare what our matcher answered with the truth: items, and amounts where they are known."""
    right = {r: _is_right(paid, truth[r]) for r, (_, paid) in run["answers"].items()}
    applied = [r for r, (decision, _) in run["answers"].items() if decision == "apply"]
    good = sum(right[r] for r in applied)
    low, high = wilson(good, len(applied))
    return Figures(
        case=case,
        matcher=matcher,
        receipts=len(right),
        exact=sum(right.values()) / len(right),
        automatic=len(applied) / len(right),
        wrong=len(applied) - good,
        precision=good / max(1, len(applied)),
        low=low,
        high=high,
        p50_ms=run["single_p50_ms"],
        p99_ms=run["single_p99_ms"],
        batch_ms=1_000 / run["receipts_a_second"],
        whole_ms=1_000 * run["whole_seconds"] / len(right),
        peak_mib=run["peak_mib"],
        bytes_an_item=run["bytes_an_item"],
    )


def _is_right(paid: Mapping[str, int], truth: Mapping[str, int | None]) -> bool:
    return paid.keys() == truth.keys() and all(truth[i] in (None, minor) for i, minor in paid.items())


def wilson(right: int, count: int) -> tuple[float, float]:
    """The two-sided 95 % interval of a proportion (E. B. Wilson, JASA 22, 1927)."""
    if not count:
        return 0.0, 1.0
    share, z2 = right / count, TWO_SIDED_95**2
    centre = share + z2 / (2 * count)
    spread = TWO_SIDED_95 * math.sqrt(share * (1 - share) / count + z2 / (4 * count * count))
    return (centre - spread) / (1 + z2 / count), (centre + spread) / (1 + z2 / count)


def table(rows: Sequence[Figures]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| data | matcher | exact sets | automatic | wrong | precision (95 %) | alone p50 / p99 | in a batch "
        "| from files | peak | an item |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(_line(row) for row in rows)])


def _line(row: Figures) -> str:
    precision = "" if row.precision is None else f"{row.precision:.4f} ({row.low:.4f} to {row.high:.4f})"
    alone = "" if row.p50_ms is None else f"{row.p50_ms:.2f} / {row.p99_ms:.2f} ms"
    cells = [
        row.case,
        row.matcher,
        f"{row.exact:.4f}",
        "" if row.automatic is None else f"{row.automatic:.4f}",
        "" if row.wrong is None else str(row.wrong),
        precision,
        alone,
        "" if row.batch_ms is None else f"{row.batch_ms:.2f} ms",
        "" if row.whole_ms is None else f"{row.whole_ms:.2f} ms",
        "" if row.peak_mib is None else f"{row.peak_mib:.0f} MiB",
        "" if row.bytes_an_item is None else f"{row.bytes_an_item:.0f} B",
    ]
    return f"| {' | '.join(cells)} |"


def write_page(parts: Sequence[str]) -> None:
    """Put the figures between the marks of the page."""
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    PAGE.write_text("\n\n".join([f"{head}{BEGIN}", *parts, f"{END}{tail}"]), encoding="utf-8")


def draw_plot(rows: Sequence[Figures]) -> None:
    """Draw exact sets and the automatic share of each row as bars."""
    import pygal  # type: ignore[import-untyped]  # noqa: PLC0415 - only the plot needs it
    from lxml import etree  # noqa: PLC0415
    from pygal.style import CleanStyle  # type: ignore[import-untyped]  # noqa: PLC0415

    chart = pygal.HorizontalBar(
        style=CleanStyle,
        range=(0.0, 1.0),
        title="Exactly right item sets, and what is applied without a person",
        legend_at_bottom=True,
        js=(),
        height=70 * len(rows) + 120,
        print_values=True,
        value_formatter=lambda value: "" if value is None else f"{value:.3f}",
    )
    ordered = list(reversed(rows))
    chart.x_labels = [f"{row.matcher} ({row.case})" for row in ordered]
    chart.add("exact sets", [row.exact for row in ordered])
    chart.add("applied automatically", [row.automatic for row in ordered])
    tree = chart.render_tree()
    for script in list(tree.iter("{*}script")):  # a picture needs none
        script.getparent().remove(script)
    PLOT.write_bytes(etree.tostring(tree, encoding="utf-8"))
