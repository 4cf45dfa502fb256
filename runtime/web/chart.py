"""The ageing chart, drawn on the server; it holds no script and loads nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from runtime.operations.views.ageing import BUCKETS, Ageing
from runtime.web.formats import money

if TYPE_CHECKING:
    from pygal.style import Style  # type: ignore[import-untyped]  # pygal has no types

_COLOURS = ("#1f5f4a", "#c9a227", "#d2842a", "#c4572b", "#9b2d30")  # from not due to very late
_FONT = "system-ui, -apple-system, 'Segoe UI', sans-serif"
_SHORT = ("Not due", "1–30", "31–60", "61–90", "90+")  # of BUCKETS, for a narrow screen
_WIDE_SIZE, _NARROW_SIZE = (860, 260), (340, 220)


def ageing_svg(ageing: Ageing, *, narrow: bool = False) -> bytes:
    """Draw what is open in one currency by how late it is; `narrow` for the width of a phone."""
    import pygal  # type: ignore[import-untyped]  # noqa: PLC0415 - no types; only the overview waits for it

    width, height = _NARROW_SIZE if narrow else _WIDE_SIZE
    chart = pygal.Bar(
        style=_style(10 if narrow else 15),
        js=(),
        show_legend=False,
        show_y_guides=False,
        show_y_labels=False,
        print_values=True,
        print_values_position="top",
        width=width,
        height=height,
        margin=4,
        rounded_bars=3,
        spacing=4 if narrow else 20,
        range=(0, max(1.0, float(max(ageing.amounts).decimal) * 1.15)),
    )
    chart.x_labels = _SHORT if narrow else BUCKETS
    # Pygal measures in floats; the amounts that people read are formatted from exact money.
    chart.add(
        ageing.currency,
        [
            {"value": float(amount.decimal), "color": colour, "formatter": lambda _, exact=amount: money(exact)}
            for amount, colour in zip(ageing.amounts, _COLOURS, strict=True)
        ],
    )
    tree = chart.render_tree()
    # A picture needs no script, and the axis that pygal draws beside the first bar says nothing without figures.
    for part in [*tree.iter("{*}script"), *tree.iterfind(".//{*}g[@class='axis x']/{*}path")]:
        part.getparent().remove(part)
    return bytes(etree.tostring(tree, encoding="utf-8"))


def _style(font_size: int) -> Style:
    from pygal.style import Style  # noqa: PLC0415 - as in `ageing_svg`

    return Style(
        background="transparent",
        plot_background="transparent",
        foreground="#4a5450",
        foreground_strong="#1c2421",
        foreground_subtle="#d9dfdc",
        colors=_COLOURS,
        font_family=_FONT,
        label_font_size=font_size,
        major_label_font_size=font_size,
        value_font_size=font_size,
        value_colors=("#1c2421",) * len(_COLOURS),
        opacity="1",
    )
