"""Telephone numbers: written one way, and where they ring."""

from __future__ import annotations

from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType
from phonenumbers.timezone import time_zones_for_number

MAX_ZONES = 8  # of one number; one that rings anywhere (a satellite's) names far more, and says nothing
_NUMBERS_CACHED = 4_096
_UNKNOWN_ZONE = "Etc/Unknown"
_TEXTS = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE, PhoneNumberType.PERSONAL_NUMBER})


class TelephoneError(ValueError):
    """A text that is no telephone number; it says what to correct."""


def number_of(text: str, *, country: str, takes_texts: bool = False) -> str:
    """Return the number as E.164; one without a country code is of `country` (two letters).

    TelephoneError for what no telephone has, and with `takes_texts` for one that is surely no mobile.
    """
    try:
        number = phonenumbers.parse(text, country)
    except NumberParseException as error:
        raise TelephoneError(f"{text!r} is no telephone number: {str(error).splitlines()[0]}") from None
    if not phonenumbers.is_valid_number(number):
        raise TelephoneError(f"{text!r} is no telephone number that exists in its country")
    if takes_texts and phonenumbers.number_type(number) not in _TEXTS:
        raise TelephoneError(f"{text!r} is no mobile number: no text arrives there")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


@lru_cache(maxsize=_NUMBERS_CACHED)
def country_of(number: str) -> str | None:
    """The country (two letters) of a number in E.164, None where it has none or is no number."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number, None))
    except NumberParseException:
        return None


@lru_cache(maxsize=_NUMBERS_CACHED)
def zones_of(number: str, *, besides: str = "") -> tuple[str, ...]:
    """The time zones in which a number in E.164 may ring, `besides` one that counts anyway; none where nobody knows."""
    zones = time_zones_for_number(phonenumbers.parse(number, None))
    if _UNKNOWN_ZONE in zones or len(zones) > MAX_ZONES:
        return ()
    return tuple(zone for zone in zones if zone != besides)
