"""Where a letter goes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

MAX_LINE_CHARACTERS = 100


class AddressError(ValueError):
    """An address that no letter can go to; the text says what to correct."""


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """A postal address as it is written on an envelope. `country` in two letters; `extra` and `region` may be empty."""

    name: str
    street: str
    city: str
    post_code: str
    country: str
    extra: str = ""
    region: str = ""

    def __post_init__(self) -> None:
        for what, text in asdict(self).items():
            if len(text) > MAX_LINE_CHARACTERS or (text and not text.isprintable()):
                raise AddressError(f"the {what} of the address must be one line of {MAX_LINE_CHARACTERS} characters")
        missing = [what for what in ("name", "street", "city", "country") if not getattr(self, what).strip()]
        if missing:
            raise AddressError(f"the address lacks its {missing[0]}")
        if not (len(self.country) == 2 and self.country.isascii() and self.country.isupper()):
            raise AddressError(f"{self.country!r} is not a country of two capital letters such as DE")

    def lines(self, *, home: str = "") -> tuple[str, ...]:
        """The lines on the envelope; the country is left out where it is `home`."""
        town = (
            f"{self.city} {self.region} {self.post_code}"
            if self.country in _POST_CODE_LAST
            else f"{self.post_code} {self.city}"
        )
        abroad = self.country if self.country != home else ""
        written = (self.name, self.extra, self.street, " ".join(town.split()), abroad)
        return tuple(line for line in written if line)

    def as_text(self) -> str:
        """One text that `from_text` reads back."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_text(cls, text: str) -> PostalAddress:
        """Read what `as_text` gave; AddressError for anything else."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError) as error:
            raise AddressError(f"this is no postal address: {error}") from None


# Countries that write the post code behind the town (Universal Postal Union, addressing systems by country).
_POST_CODE_LAST = frozenset({"US", "CA", "GB", "IE", "AU", "NZ", "IN", "SG"})
