"""The ageing chart, drawn on the server; it holds no script and loads nothing."""

from __future__ import annotations

import pygal  # type: ignore[import-untyped]  # pygal has no types
from lxml import etree
from pygal.style import Style  # type: ignore[import-untyped]  # pygal has no types

from runtime.operations.views.ageing import BUCKETS, Ageing
from runtime.web.formats import money

_COLOURS = ("#1f5f4a", "#c9a227", "#d2842a", "#c4572b", "#9b2d30")  # from not due to very late
_FONT = "system-ui, -apple-system, 'Segoe UI', sans-serif"
_STYLE = Style(
    background="transparent",
    plot_background="transparent",
    foreground="#4a5450",
    foreground_strong="#1c2421",
    foreground_subtle="#d9dfdc",
    colors=_COLOURS,
    font_family=_FONT,
    label_font_size=15,
    major_label_font_size=15,
    value_font_size=15,
    value_label_font_size=15,
    value_colors=("#1c2421",) * len(_COLOURS),
    opacity="1",
    guide_stroke_dasharray="0",
    major_guide_stroke_dasharray="0",
)


def ageing_svg(ageing: Ageing) -> bytes:
    """Draw what is open in one currency by how late it is."""
    chart = pygal.Bar(
        style=_STYLE,
        js=(),
        show_legend=False,
        show_y_guides=True,
        print_values=True,
        print_values_position="top",
        width=860,
        height=300,
        margin=12,
        explicit_size=False,
        rounded_bars=3,
        spacing=24,
        value_formatter=lambda value: _axis(value, ageing),
        range=(0, max(1.0, float(max(ageing.amounts).decimal) * 1.12)),
        y_labels_major_count=4,
        show_minor_y_labels=False,
    )
    chart.x_labels = BUCKETS
    # Pygal measures in floats; the amounts that people read are formatted from exact money.
    chart.add(
        ageing.currency,
        [
            {"value": float(amount.decimal), "color": colour, "formatter": lambda _, exact=amount: money(exact)}
            for amount, colour in zip(ageing.amounts, _COLOURS, strict=True)
        ],
    )
    tree = chart.render_tree()
    for script in list(tree.iter("{*}script")):
        script.getparent().remove(script)
    return bytes(etree.tostring(tree, encoding="utf-8"))


def _axis(value: float, ageing: Ageing) -> str:
    """A round figure beside the axis."""
    return f"{value:,.0f} {ageing.currency}"
