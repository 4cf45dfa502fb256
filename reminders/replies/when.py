"""The days that a reply names, read from the day on which it came. English, German and French, in folded text.

No library reads days inside sentences without guessing: dateparser finds one in "may" and in "an".
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from babel import Locale

from reminders.replies.plain import folded
from reminders.wording import LANGUAGES

_WEEK = 7
_FRIDAY = 4
_LATE_DAYS = 45  # a day and month without a year that lie further back than this mean next year
_NUMBERS = {
    word: number
    for number, words in enumerate(
        (
            "one a an ein eine einer einem eines un une",
            "two zwei deux a couple of",
            "three drei trois",
            "four vier quatre",
            "five funf fuenf cinq",
            "six sechs",
            "seven sieben sept",
            "eight acht huit",
            "nine neun neuf",
            "ten zehn dix",
        ),
        1,
    )
    for word in words.split()
    if word not in {"couple", "of"}
}
_SPAN = r"(?P<count>\d{1,2}|" + "|".join(sorted(_NUMBERS, key=len, reverse=True)) + ")"


@dataclass(frozen=True, slots=True)
class NamedDay:
    """A day that the text from `start` to `end` names."""

    start: int
    end: int
    day: date


def named_days(text: str, *, came_on: date, is_past: bool = False, month_first: bool = False) -> list[NamedDay]:
    """Return the days that a folded text names, in its order; what names no day of the calendar is left out.

    Without `is_past` a weekday is the next one and a day without a year is to come. `month_first` is how people of the
    United States write 3/4.
    """
    found: list[NamedDay] = []
    for pattern, read in _readers():
        for match in pattern.finditer(text):
            if any(each.start < match.end() and match.start() < each.end for each in found):
                continue
            day = read(match, _Frame(came_on, is_past, month_first))
            if day is not None:
                found.append(NamedDay(match.start(), match.end(), day))
    return sorted(found, key=lambda each: each.start)


@dataclass(frozen=True, slots=True)
class _Frame:
    came_on: date
    is_past: bool
    month_first: bool


_Reader = Callable[[re.Match[str], _Frame], date | None]


def _iso(match: re.Match[str], _frame: _Frame) -> date | None:
    return _day(int(match["year"]), int(match["month"]), int(match["day"]))


def _numbers(match: re.Match[str], frame: _Frame) -> date | None:
    first, second = int(match["first"]), int(match["second"])
    month_first = frame.month_first and match["mark"] == "/"
    return _of_year(
        match["year"], month=first if month_first else second, day=second if month_first else first, frame=frame
    )


def _month_named(match: re.Match[str], frame: _Frame) -> date | None:
    return _of_year(match["year"], month=_months()[match["month"]], day=int(match["day"]), frame=frame)


def _end_of_month_named(match: re.Match[str], frame: _Frame) -> date | None:
    month = _months()[match["month"]]
    year = frame.came_on.year + (month < frame.came_on.month)
    return date(year, month, monthrange(year, month)[1])


def _weekday(match: re.Match[str], frame: _Frame) -> date | None:
    wanted = _weekdays()[match["weekday"]]
    today = frame.came_on
    if frame.is_past:
        return today - timedelta(days=(today.weekday() - wanted - 1) % _WEEK + 1)
    coming = today + timedelta(days=(wanted - today.weekday() - 1) % _WEEK + 1)
    if match["next"] and coming.isocalendar().week == today.isocalendar().week:
        return coming + timedelta(days=_WEEK)  # it may mean either: the later one reminds nobody too early
    return coming


def _near(match: re.Match[str], frame: _Frame) -> date | None:
    return frame.came_on + timedelta(days=_NEAR[match["near"]])


def _after(match: re.Match[str], frame: _Frame) -> date | None:
    count = int(match["count"]) if match["count"].isdigit() else _NUMBERS[match["count"]]
    days = count * (_WEEK if match["unit"][0] in "ws" else 1)
    return frame.came_on + timedelta(days=days)


def _end_of_month(_match: re.Match[str], frame: _Frame) -> date | None:
    today = frame.came_on
    return today.replace(day=monthrange(today.year, today.month)[1])


def _end_of_week(match: re.Match[str], frame: _Frame) -> date | None:
    friday = frame.came_on + timedelta(days=(_FRIDAY - frame.came_on.weekday()) % _WEEK)
    return friday + timedelta(days=_WEEK if match["following"] else 0)


_NEAR = {
    **dict.fromkeys(("today", "heute", "aujourd hui"), 0),
    **dict.fromkeys(("tomorrow", "morgen", "demain"), 1),
    **dict.fromkeys(("day after tomorrow", "ubermorgen", "uebermorgen", "apres-demain", "apres demain"), 2),
    **dict.fromkeys(("yesterday", "gestern", "hier"), -1),
}


@lru_cache(maxsize=1)
def _readers() -> tuple[tuple[re.Pattern[str], _Reader], ...]:
    month, weekday = _any_of(_months()), _any_of(_weekdays())
    year = r"(?:,? ?(?P<year>20\d\d))?"
    return tuple(
        (re.compile(rf"\b(?:{pattern})(?![\w])"), reader)
        for pattern, reader in (
            (r"(?P<year>20\d\d)-(?P<month>\d\d)-(?P<day>\d\d)", _iso),
            (r"(?P<first>\d{1,2})(?P<mark>[./])(?P<second>\d{1,2})(?:(?P=mark)(?P<year>20\d\d|\d\d))?\.?", _numbers),
            (rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|\.)? (?:of )?(?P<month>{month})\.?{year}", _month_named),
            (rf"(?P<month>{month})\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)?{year}", _month_named),
            (rf"(?:end of|ende|fin) (?P<month>{month})", _end_of_month_named),
            (
                r"(?:the )?end of (?:the|this) month|month ?end|ende des monats|monatsende|(?:la )?fin (?:du|de) mois",
                _end_of_month,
            ),
            (
                r"(?P<following>next week|(?:der )?nachste[nr]? woche|la semaine prochaine)"
                r"|(?:the )?end of (?:the|this) week|this week|ende der woche|diese woche"
                r"|(?:la )?fin de (?:la )?semaine|cette semaine",
                _end_of_week,
            ),
            (
                rf"(?P<next>(?:next|nachste[nrm]?|kommende[nrm]?) )?(?P<weekday>{weekday})(?: prochain)?",
                _weekday,
            ),
            (rf"(?P<near>{_any_of(_NEAR)})", _near),
            (
                rf"(?:in|within|in den nachsten|innerhalb von|binnen|dans|sous|d ici) (?:the next )?{_SPAN} "
                r"(?P<unit>working days?|business days?|days?|tage[n]?|werktage[n]?|jours?|weeks?|wochen?|semaines?)",
                _after,
            ),
        )
    )


def _any_of(names: Mapping[str, int]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


@lru_cache(maxsize=1)
def _months() -> Mapping[str, int]:
    return dict(_named("months"))


@lru_cache(maxsize=1)
def _weekdays() -> Mapping[str, int]:
    return dict(_named("days"))


def _named(what: str) -> Iterator[tuple[str, int]]:
    """Yield the names of months (1 to 12) or weekdays (0 is Monday) in every language, in full and cut short."""
    for language in LANGUAGES:
        forms = getattr(Locale(language), what)["format"]
        for width in ("wide", "abbreviated"):
            for number, name in forms[width].items():
                short = folded(name).rstrip(".")
                if width == "wide" or (what == "months" and len(short) > 2):
                    yield short, number


def _of_year(year: str | None, *, month: int, day: int, frame: _Frame) -> date | None:
    """Return the day of the named year, or of the year in which it makes sense."""
    if year is not None:
        return _day(int(year) + (2000 if len(year) == 2 else 0), month, day)
    this_year = _day(frame.came_on.year, month, day)
    if this_year is None:
        return None
    if frame.is_past:
        return this_year if this_year <= frame.came_on else _day(this_year.year - 1, month, day)
    is_over = this_year < frame.came_on - timedelta(days=_LATE_DAYS)
    return _day(this_year.year + 1, month, day) if is_over else this_year


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
