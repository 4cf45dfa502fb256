"""Where a payer is: the country behind what a ledger's people typed, and its time zone where it has one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.core import get_global

_NAMED_IN = ("en", "de", "fr")
_OTHER_NAMES = {"uk": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "usa": "US", "u.s.a.": "US"}
_LETTERS = 2
# Where nearly all of a country's people live, of the zones that CLDR lists for it.
_MEANT = {
    "CL": "America/Santiago",
    "CN": "Asia/Shanghai",
    "CY": "Asia/Nicosia",
    "DE": "Europe/Berlin",
    "EC": "America/Guayaquil",
    "ES": "Europe/Madrid",
    "MY": "Asia/Kuala_Lumpur",
    "NZ": "Pacific/Auckland",
    "PT": "Europe/Lisbon",
    "UA": "Europe/Kyiv",
}
_SUMMER, _WINTER = 7, 1


def country_code(text: str | None) -> str | None:
    """The two letters of a country, from them or from its name in English, German or French; None when unknown."""
    plain = (text or "").strip()
    if plain.upper() in _territories():
        return plain.upper()
    return _codes_by_name().get(plain.casefold())


def time_zone_of(country: str) -> str | None:
    """The time zone of a country (two letters) where all, or nearly all, live by one; None for another or unknown one.

    Source: CLDR's list of zones by territory, in Babel.
    """
    return _MEANT.get(country) or _zones_by_country().get(country)


@lru_cache(maxsize=1)
def _territories() -> Mapping[str, list[str]]:
    zones: Mapping[str, list[str]] = get_global("territory_zones")
    return {code: found for code, found in zones.items() if len(code) == _LETTERS and code != "ZZ"}


@lru_cache(maxsize=1)
def _codes_by_name() -> Mapping[str, str]:
    names = dict(_OTHER_NAMES)
    for language in _NAMED_IN:
        names |= {
            name.casefold(): code for code, name in Locale(language).territories.items() if code in _territories()
        }
    return names


@lru_cache(maxsize=1)
def _zones_by_country() -> Mapping[str, str]:
    return {code: zones[0] for code, zones in _territories().items() if len({_offsets(zone) for zone in zones}) == 1}


def _offsets(zone: str) -> tuple[timedelta | None, ...]:
    year = 2026  # rules change seldom; what matters is whether one country keeps several times
    return tuple(datetime(year, month, 1, tzinfo=ZoneInfo(zone)).utcoffset() for month in (_WINTER, _SUMMER))
