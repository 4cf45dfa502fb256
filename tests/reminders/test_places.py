"""Where a payer is, and when it is a working day there."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import available_timezones

import pytest

from reminders.business_time import in_contact_window, is_business_day, next_business_day, next_contact_time
from reminders.places import _MEANT, country_code, time_zone_of


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("DE", "DE"),
        (" de ", "DE"),
        ("Germany", "DE"),
        ("deutschland", "DE"),
        ("Allemagne", "DE"),
        ("United Kingdom", "GB"),
        ("UK", "GB"),
        ("England", "GB"),
        ("USA", "US"),
        ("ZZ", None),
        ("Atlantis", None),
        ("", None),
        (None, None),
    ],
)
def test_a_country_is_known_by_its_letters_or_its_name(typed: str | None, code: str | None) -> None:
    assert country_code(typed) == code


@pytest.mark.parametrize(
    ("country", "zone"),
    [
        ("GB", "Europe/London"),
        ("DE", "Europe/Berlin"),
        ("JP", "Asia/Tokyo"),
        ("AE", "Asia/Dubai"),
        ("ES", "Europe/Madrid"),
        ("NZ", "Pacific/Auckland"),
        ("US", None),
        ("XX", None),
    ],
)
def test_a_country_of_one_time_has_a_zone(country: str, zone: str | None) -> None:
    assert time_zone_of(country) == zone
    assert zone is None or zone in available_timezones()


def test_every_zone_that_is_meant_exists() -> None:
    assert set(_MEANT.values()) <= available_timezones()


def test_the_weekend_is_the_countrys_own() -> None:
    friday, sunday = date(2026, 11, 13), date(2026, 11, 15)
    assert [is_business_day(day, "SA") for day in (friday, sunday)] == [False, True]
    assert [is_business_day(day, "GB") for day in (friday, sunday)] == [True, False]
    assert [is_business_day(day, "XX") for day in (friday, sunday)] == [True, False]
    assert next_business_day(date(2026, 11, 12), "SA") == sunday


@pytest.mark.parametrize(
    ("zone", "country", "at", "opens"),
    [
        # New York leaves summer time on 2026-11-01: 08:00 is 12:00 UTC before and 13:00 UTC after.
        ("America/New_York", "US", "2026-10-30T22:00", "2026-11-02T13:00"),
        ("America/New_York", "US", "2026-10-30T11:59", "2026-10-30T12:00"),
        # Sydney begins it on 2026-10-04, while Europe is still to leave it.
        ("Australia/Sydney", "AU", "2026-10-02T08:00", "2026-10-04T21:00"),
        # Tokyo knows none.
        ("Asia/Tokyo", "JP", "2026-10-25T09:00", "2026-10-25T23:00"),
    ],
)
def test_the_window_opens_by_the_clock_there(zone: str, country: str, at: str, opens: str) -> None:
    closed, expected = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (at, opens))
    assert not in_contact_window(closed, time_zone=zone, country=country)
    opening = next_contact_time(closed, time_zone=zone, country=country)
    assert opening == expected
    assert in_contact_window(opening, time_zone=zone, country=country)
