"""The languages of the payer's pages: their catalogs, and which of them a payer reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from reminders.wording import FALLBACK_LANGUAGE, LANGUAGES

_LOCALES = {"en": "en_GB"}  # how English is written here; other languages are written as at home


@dataclass(frozen=True)
class Language:
    """A language that pages are written in. `gettext` and `ngettext` take the English words and return its own."""

    code: str
    locale: str
    gettext: Callable[[str], str]
    ngettext: Callable[[str, str, int], str]

    @property
    def name(self) -> str:
        """What it is called by those who read it, such as Deutsch."""
        return str(Locale.parse(self.locale).language_name).capitalize()


@cache
def language(code: str) -> Language:
    """Return one of LANGUAGES."""
    catalog = _catalog(code)
    return Language(code, _LOCALES.get(code, code), catalog.gettext, catalog.ngettext)


def choose(*, chosen: str | None, accepted: str, fallback: str) -> str:
    """Return the language for a payer: what they chose, else what their browser asks for, else `fallback`.

    `accepted` is the header Accept-Language (RFC 9110, 12.5.4), empty where there is none; `fallback` a tag of ours.
    """
    if chosen in LANGUAGES:
        return str(chosen)
    asked = parse_accept_header(accepted, LanguageAccept).best_match(LANGUAGES)
    return asked or fallback.partition("-")[0]


def _catalog(code: str) -> NullTranslations:
    if code == FALLBACK_LANGUAGE:  # the words of the pages themselves
        return NullTranslations()
    compiled = BytesIO()
    with (files("runtime.web") / "locale" / f"{code}.po").open("rb") as source:
        write_mo(compiled, read_po(source, locale=code))
    return GNUTranslations(BytesIO(compiled.getvalue()))
