"""Banking days, public holidays, and the hours in which a payer may be contacted."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

OPENS_AT = time(8, 0)
CLOSES_AT = time(18, 0)
MAX_DAYS_CLOSED = 31  # no calendar closes a country for longer; a longer search is a wrong calendar
_CALENDARS_CACHED = 256  # more than there are countries
_SATURDAY_AND_SUNDAY = frozenset({5, 6})  # as date.weekday() counts


def is_business_day(day: date, country: str | None) -> bool:
    """No day of the weekend there and no public holiday of `country`.

    A country without a calendar has no known holidays, and the weekend of most: Saturday and Sunday.
    """
    return day.weekday() not in _weekend_of(country) and not is_holiday(day, country)


def is_holiday(day: date, country: str | None) -> bool:
    """Whether `day` is a nation-wide public holiday of `country` (ISO 3166 alpha-2)."""
    return country is not None and day in _holidays_of(country.upper(), day.year)


def previous_business_day(day: date, country: str | None) -> date:
    """The last business day before `day`."""
    return _nearest_business_day(day, country, step=-1)


def next_business_day(day: date, country: str | None) -> date:
    """The first business day after `day`."""
    return _nearest_business_day(day, country, step=1)


def in_contact_window(at: datetime, *, time_zone: str, country: str | None) -> bool:
    """Whether the payer's wall clock shows 08:00 to 18:00 on a business day."""
    local = at.astimezone(ZoneInfo(time_zone))
    return is_business_day(local.date(), country) and OPENS_AT <= local.time() < CLOSES_AT


def next_contact_time(at: datetime, *, time_zone: str, country: str | None) -> datetime:
    """The first instant at or after `at` inside the contact window, on the payer's clock."""
    if in_contact_window(at, time_zone=time_zone, country=country):
        return at
    zone = ZoneInfo(time_zone)
    local = at.astimezone(zone)
    opens_today = is_business_day(local.date(), country) and local.time() < OPENS_AT
    day = local.date() if opens_today else next_business_day(local.date(), country)
    return datetime.combine(day, OPENS_AT, tzinfo=zone)


def closes_at(at: datetime, time_zone: str) -> datetime:
    """When the contact window that is open at `at` closes, on the payer's clock."""
    zone = ZoneInfo(time_zone)
    return datetime.combine(at.astimezone(zone).date(), CLOSES_AT, tzinfo=zone)


def start_of_day(day: date, time_zone: str) -> datetime:
    """Midnight at which `day` begins in `time_zone`."""
    return datetime.combine(day, time.min, tzinfo=ZoneInfo(time_zone))


def _nearest_business_day(day: date, country: str | None, *, step: int) -> date:
    for distance in range(1, MAX_DAYS_CLOSED + 1):
        candidate = day + timedelta(days=step * distance)
        if is_business_day(candidate, country):
            return candidate
    raise ValueError(f"no business day within {MAX_DAYS_CLOSED} days of {day} in {country}")


@lru_cache(maxsize=_CALENDARS_CACHED)
def _holidays_of(country: str, year: int) -> frozenset[date]:
    import holidays  # noqa: PLC0415 - a tenth of a second that most commands need not wait for

    try:
        return frozenset(holidays.country_holidays(country, years=year))
    except NotImplementedError:
        return frozenset()


def _weekend_of(country: str | None) -> frozenset[int]:
    return _SATURDAY_AND_SUNDAY if country is None else _weekends(country.upper())


@lru_cache(maxsize=_CALENDARS_CACHED)
def _weekends(country: str) -> frozenset[int]:
    import holidays  # noqa: PLC0415 - as in `_holidays_of`

    try:
        return frozenset(holidays.country_holidays(country).weekend)
    except NotImplementedError:
        return _SATURDAY_AND_SUNDAY
