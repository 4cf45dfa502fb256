"""Exact money: an integer count of minor units and an ISO 4217 currency, never a float."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation
from functools import total_ordering

# ISO 4217 active codes (list one, 2026), grouped by the number of decimals of the minor unit.
_TWO_DECIMALS = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE "
    "CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD "
    "HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP "
    "MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD "
    "SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS "
    "VED VES WST XCD XCG YER ZAR ZMW ZWG BGN ANG"
)
_EXPONENTS: dict[str, int] = dict.fromkeys(_TWO_DECIMALS.split(), 2)
_EXPONENTS |= dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0)
_EXPONENTS |= dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3)
_EXPONENTS |= dict.fromkeys("CLF UYW".split(), 4)

MAX_MINOR = 2**63 - 1  # what one database integer holds
# More digits than any amount has. Whatever would be rounded away is refused instead.
_EXACT = Context(prec=40, traps=[Inexact])


class MoneyError(ValueError):
    """An amount or a currency that cannot be money; the text says what to correct."""


def exponent(currency: str) -> int:
    """Return the number of decimals of `currency`; MoneyError when ISO 4217 does not list it."""
    try:
        return _EXPONENTS[currency]
    except KeyError:
        raise MoneyError(f"unknown currency {currency!r}: use an ISO 4217 code such as EUR") from None


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """`minor` units (cents, pence, yen) of `currency`. Arithmetic refuses to mix currencies."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        exponent(self.currency)
        if abs(self.minor) > MAX_MINOR:
            raise MoneyError(f"amount {self.minor} {self.currency} is too large")

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Nothing, in `currency`."""
        return cls(0, currency)

    @classmethod
    def parse(cls, text: str, currency: str) -> Money:
        """Read plain decimal text (`-12.50`); MoneyError if it is not a number or finer than the minor unit."""
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise MoneyError(f"amount {text!r} is not a decimal number") from None
        return cls.of(value, currency)

    @classmethod
    def of(cls, value: Decimal, currency: str) -> Money:
        """Turn an exact decimal into money; MoneyError if it is not finite or finer than the minor unit."""
        if not value.is_finite():
            raise MoneyError(f"amount {value} is not a finite number")
        if value and value.adjusted() > 18:
            raise MoneyError(f"amount {value} {currency} is too large")
        try:
            scaled = value.scaleb(exponent(currency), _EXACT).to_integral_exact(context=_EXACT)
        except Inexact:
            raise MoneyError(f"amount {value} is finer than the minor unit of {currency}") from None
        return cls(int(scaled), currency)

    @property
    def decimal(self) -> Decimal:
        """The exact value in major units, with the currency's number of decimals."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def text(self) -> str:
        """Plain decimal text, such as `-12.50`, without the currency."""
        return f"{self.decimal:f}"

    def __str__(self) -> str:
        return f"{self.text()} {self.currency}"

    def __bool__(self) -> bool:
        return self.minor != 0

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __abs__(self) -> Money:
        return Money(abs(self.minor), self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def _same(self, other: Money) -> int:
        if self.currency != other.currency:
            raise MoneyError(f"cannot combine {self.currency} with {other.currency}")
        return other.minor


def total(amounts: Sequence[Money], currency: str) -> Money:
    """Sum `amounts`, all of `currency`; zero for none."""
    result = Money.zero(currency)
    for amount in amounts:
        result += amount
    return result


def split(amount: Money, weights: Sequence[int]) -> list[Money]:
    """Divide `amount` by non-negative `weights` so that the parts sum to it exactly.

    The largest-remainder (Hamilton) method: floor each share, then give one minor unit each to the
    largest remainders, the earlier part first on a tie.
    """
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise MoneyError("weights must not be negative and must not all be zero")
    sign = -1 if amount.minor < 0 else 1
    magnitude = abs(amount.minor)
    shares = [magnitude * weight // whole for weight in weights]
    remainders = [magnitude * weight % whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda index: (-remainders[index], index))
    for index in by_remainder[: magnitude - sum(shares)]:
        shares[index] += 1
    return [Money(sign * share, amount.currency) for share in shares]
