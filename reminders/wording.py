"""Money, dates and counted words in the reader's language, and the copy and labels that go with it."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date

from receivables.money import Money, exponent

LANGUAGES = ("en", "de", "fr")
FALLBACK_LANGUAGE = "en"
_LANGUAGES_CACHED = 64


@dataclass(frozen=True)
class Wording:
    """How one language writes. `language` picks the copy, `locale` (which may be regional) the formats."""

    language: str
    locale: Locale
    labels: Mapping[str, Any]

    def money(self, amount: Money) -> str:
        """The exact amount: ISO 4217 decimals of `Money`, never the rounding of CLDR, which differs for some."""
        pattern = copy.copy(self.locale.currency_formats["standard"])
        pattern.frac_prec = (exponent(amount.currency),) * 2
        return str(pattern.apply(amount.decimal, self.locale, currency=amount.currency, currency_digits=False))

    def all_money(self, amounts: Sequence[Money]) -> str:
        """Amounts of several currencies in one phrase."""
        return f" {self.labels['and']} ".join(self.money(amount) for amount in amounts)

    def day(self, day: date) -> str:
        """A date that no reader can mistake for another."""
        return format_date(day, format="medium", locale=self.locale)

    def counted(self, label: str, count: int) -> str:
        """The form of `label` that goes with `count`."""
        forms = self.labels[label]
        return str(forms.get(self.locale.plural_form(count), forms["other"])).replace("{n}", str(count))

    def labelled_date(self, label: str, day: date) -> str:
        """`label` with the date in its place."""
        return str(self.labels[label]).replace("{date}", self.day(day))

    def labelled_money(self, label: str, amount: Money) -> str:
        """`label` with the amount in its place."""
        return str(self.labels[label]).replace("{amount}", self.money(amount))


@lru_cache(maxsize=_LANGUAGES_CACHED)
def wording(language: str) -> Wording:
    """The wording for a language tag such as `de` or `de-AT`; English for a language we do not write."""
    try:
        locale = Locale.parse(language.replace("_", "-"), sep="-")
    except (UnknownLocaleError, ValueError):
        locale = Locale(FALLBACK_LANGUAGE)
    if locale.language not in LANGUAGES:
        locale = Locale(FALLBACK_LANGUAGE)
    return Wording(locale.language, locale, json.loads(read_template(f"{locale.language}/labels.json")))


def read_template(name: str) -> str:
    """The text of one file in `templates`."""
    return (files("reminders") / "templates" / name).read_text(encoding="utf-8")
