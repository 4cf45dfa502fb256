"""Rendering: Jinja2 templates, always escaped, with the words and formats that they use."""

from __future__ import annotations

import re
from datetime import UTC
from zoneinfo import ZoneInfo

from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.ext import Extension
from markupsafe import Markup

from reminders.policy import level_title
from runtime.roles import Permission
from runtime.web import formats, words
from runtime.web.visitor import CSRF_FIELD, visitor

_FORM = re.compile(r"<form\b[^<]*?\bmethod=\"post\"[^<]*?>")


class _Tokens(Extension):
    """Gives every form that sends something the token of its visitor's session: no template can forget it."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Add the token behind the opening tag of each form."""
        return _FORM.sub(lambda form: form.group() + "{{ csrf() }}", source)


def _csrf() -> Markup:
    """Return the hidden field that says whose form it is; nothing where nobody signs in."""
    found = visitor()
    if found is None or not found.csrf:
        return Markup("")
    return Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, found.csrf)


def _may(permission: str, organisation_id: str) -> bool:
    """Whether whom the page is for is granted a permission in an organisation."""
    found = visitor()
    return found is not None and found.may(Permission(permission), organisation_id)


_ENVIRONMENT = Environment(
    loader=PackageLoader("runtime.web"),
    extensions=[_Tokens],
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
_ENVIRONMENT.globals |= {
    "counted": formats.counted,
    "words": words,
    "csrf": _csrf,
    "may": _may,
    "visitor": visitor,
}


def page(template: str, *, status: int = 200, notice: str | None = None, **facts: object) -> HTMLResponse:
    """Render a page. `notice` is a code of words.NOTICES; an unknown one says nothing."""
    said = words.NOTICES.get(notice or "", "")
    zone = getattr(facts.get("organisation"), "zone", ZoneInfo(str(UTC)))
    return HTMLResponse(_ENVIRONMENT.get_template(template).render(notice=said, zone=zone, **facts), status)


def go(path: str, notice: str = "") -> RedirectResponse:
    """Send the browser to another page after a form was taken, so that reloading sends nothing twice."""
    joined = "&" if "?" in path else "?"
    return RedirectResponse(f"{path}{joined}notice={notice}" if notice else path, 303)
