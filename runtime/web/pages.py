"""Rendering: Jinja2 templates, always escaped, with the words and formats that they use."""

from __future__ import annotations

import re
from datetime import UTC
from functools import cache, partial
from zoneinfo import ZoneInfo

from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.ext import Extension
from markupsafe import Markup

from reminders.policy import level_title
from reminders.wording import FALLBACK_LANGUAGE
from runtime.roles import Permission
from runtime.web import formats, words
from runtime.web.frame import standing_systems
from runtime.web.languages import Language, language
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


@cache
def _environment(code: str) -> Environment:
    """Return what renders pages in a language. Staff pages are written in the first one only."""
    spoken = language(code)
    environment = Environment(
        loader=PackageLoader("runtime.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[_Tokens, "jinja2.ext.i18n"],
    )
    environment.install_gettext_callables(spoken.gettext, spoken.ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= {
        "money": partial(formats.money, locale=spoken.locale),
        "day": partial(formats.day, locale=spoken.locale),
        "instant": formats.instant,
        "late": partial(formats.late, gettext=spoken.gettext, ngettext=spoken.ngettext),
        "level": level_title,
        "said": formats.said,
        "who": words.who,
        "done": words.done,
        "told": words.told,
        "size": formats.size,
        "label": lambda code, table: spoken.gettext(words.label(getattr(words, table), code)),
    }
    environment.globals |= {
        "counted": formats.counted,
        "words": words,
        "language": code,
        "csrf": _csrf,
        "may": _may,
        "visitor": visitor,
        "standing_systems": standing_systems,
    }
    return environment


def page(
    template: str, *, status: int = 200, notice: str | None = None, spoken: Language | None = None, **facts: object
) -> HTMLResponse:
    """Render a page, in the payer's language where it is theirs.

    `notice` is a code of words.NOTICES; an unknown one says nothing.
    """
    spoken = spoken or language(FALLBACK_LANGUAGE)
    said = words.NOTICES.get(notice or "", "")
    zone = getattr(facts.get("organisation"), "zone", ZoneInfo(str(UTC)))
    rendered = _environment(spoken.code).get_template(template)
    return HTMLResponse(rendered.render(notice=said and spoken.gettext(said), zone=zone, **facts), status)


def go(path: str, notice: str = "") -> RedirectResponse:
    """Send the browser to another page after a form was taken, so that reloading sends nothing twice."""
    joined = "&" if "?" in path else "?"
    return RedirectResponse(f"{path}{joined}notice={notice}" if notice else path, 303)
