"""Rendering: Jinja2 templates, always escaped, with the words and formats that they use."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from reminders.policy import level_title
from runtime.web import formats, words

_ENVIRONMENT = Environment(
    loader=PackageLoader("runtime.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters |= {
    "money": formats.money,
    "day": formats.day,
    "instant": formats.instant,
    "late": formats.late,
    "level": level_title,
    "said": formats.said,
    "label": lambda code, table: words.label(getattr(words, table), code),
}
_ENVIRONMENT.globals |= {"counted": formats.counted, "words": words}


def page(template: str, *, status: int = 200, notice: str | None = None, **facts: object) -> HTMLResponse:
    """Render a page. `notice` is a code of words.NOTICES; an unknown one says nothing."""
    said = words.NOTICES.get(notice or "", "")
    zone = getattr(facts.get("organisation"), "zone", ZoneInfo(str(UTC)))
    return HTMLResponse(_ENVIRONMENT.get_template(template).render(notice=said, zone=zone, **facts), status)


def go(path: str, notice: str = "") -> RedirectResponse:
    """Send the browser to another page after a form was taken, so that reloading sends nothing twice."""
    joined = "&" if "?" in path else "?"
    return RedirectResponse(f"{path}{joined}notice={notice}" if notice else path, 303)
