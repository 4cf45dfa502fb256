"""What the bank saw: payer names, references as people type them, and daily statements that add up."""

from __future__ import annotations

import hashlib
import random
from datetime import date
from decimal import Decimal

from sandbox.world.company import Profile
from sandbox.world.model import Customer, TrueInvoice
from sandbox.world.statement import BankStatement, Line

BACS_NAME_LENGTH = 18
_DEBITS = {
    "GBP": (
        ("Thamesview Estates", "RENT WAREHOUSE 4 NOV", "8450.00"),
        ("HMRC VAT", "VAT QTR 10/26", "21873.44"),
        ("Payroll Nov wk2", "SALARIES BATCH 2246", "31920.15"),
        ("Kingsmoor Timber Yard", "STATEMENT OCT 26", "6120.90"),
        ("Larch Lane Freight", "INV 88120 88131", "1944.60"),
        ("Brightwire Energy", "DD 4471920", "812.33"),
        ("Copperline Telecom", "DD 99120388", "146.40"),
        ("Penwright Insurance", "POLICY PW/20/118", "1290.00"),
        ("Account charges", "CHARGES TO 08 NOV", "38.50"),
        ("Fernbrook Packaging", "SALES LEDGER 5512", "2210.08"),
        ("Meridian Van Hire", "HIRE 11/26", "675.00"),
        ("Oakmere Solicitors", "BILL 20266", "1380.00"),
    ),
    "USD": (
        ("Foothill Industrial Park", "RENT NOV UNIT 12", "9200.00"),
        ("IRS USATAXPYMT", "941 DEPOSIT", "18442.17"),
        ("Payroll Direct Dep", "PAYROLL 11/13", "38117.92"),
        ("Lodgepole Lumber Wholesale", "INV 55102", "7410.25"),
        ("High Plains Freight", "PRO 7719230", "2204.85"),
        ("Front Range Power", "UTILITY PMT", "934.11"),
        ("Mesa Fiber", "INTERNET 11/26", "189.00"),
        ("Arrowhead Mutual", "WC PREMIUM", "1475.00"),
        ("Account analysis fee", "SERVICE CHARGE OCT", "61.75"),
        ("Bluestem Packaging", "STMT 10/31", "2660.30"),
        ("Rimrock Truck Leasing", "LEASE 0094", "1120.00"),
        ("Gulch & Hale CPA", "RETAINER", "1500.00"),
    ),
}


def account_of(customer: Customer, currency: str) -> str:
    """Return the customer's own bank account: an IBAN with right check digits, or a US routing and account number."""
    digits = str(int(hashlib.sha256(f"{currency}{customer.key}{customer.name}".encode()).hexdigest(), 16))
    if currency == "USD":
        return f"{_routing(digits[:8])}/{digits[8:18]}"
    return _iban("GB", f"SAND{digits[:14]}")


def _iban(country: str, basic: str) -> str:
    """ISO 13616: the check digits make the rearranged number 1 modulo 97."""
    value = int("".join(str(int(letter, 36)) for letter in f"{basic}{country}00"))
    return f"{country}{98 - value % 97:02d}{basic}"


def _routing(eight: str) -> str:
    """ABA routing number: 3, 7, 1 weighted digits sum to a multiple of ten."""
    total = sum(int(digit) * weight for digit, weight in zip(eight, (3, 7, 1, 3, 7, 1, 3, 7), strict=True))
    return f"{eight}{-total % 10}"


def payer_name(customer: Customer, rng: random.Random) -> str:
    """Return the customer's name as a bank shows it."""
    name = customer.name.upper().replace(".", "").replace("&", "AND")
    return name[:BACS_NAME_LENGTH].rstrip() if rng.random() < 0.25 else name


def reference_to(invoice: TrueInvoice, rng: random.Random) -> str:
    """Return a good or lightly damaged reference to an invoice, as payers write them."""
    number, digits = invoice.number, "".join(letter for letter in invoice.number if letter.isdigit())
    plain = (f"INVOICE {number}", number, f"PAYMENT {number}", f"{number} {invoice.reference}".strip())
    damaged = (
        f"INV {digits}",
        f"INV{digits}",
        number.lower(),
        f"INVOICE {digits.lstrip('0')}",
        f"INV. NO {digits.lstrip('0')}",
        f"INV NO. {digits} THX",
    )
    return rng.choice(plain if rng.random() < 0.6 else damaged)


class Teller:
    """Collects the lines of one organisation's account and makes the daily statements of them."""

    def __init__(self, profile: Profile, rng: random.Random) -> None:
        self._profile = profile
        self._rng = rng
        self._lines: list[Line] = []

    def book(
        self,
        *,
        payer: str,
        account: str,
        amount: Decimal,
        remittance: str,
        on: date | None = None,
        gross: Decimal | None = None,
        fee: Decimal | None = None,
    ) -> Line:
        """Book money in (negative: out), on a day drawn when none is given."""
        day = on or self._rng.choice(self._profile.bank_days)
        reference = f"FT{day:%y%j}{len(self._lines) + 4100:06d}"
        line = Line(day, amount, payer, account, remittance, reference, gross=gross, fee=fee)
        self._lines.append(line)
        return line

    def pay_running_costs(self) -> None:
        """Book the debits of an ordinary fortnight."""
        for name, remittance, amount in _DEBITS[self._profile.currency]:
            account = f"{_routing('10700123')}/0045512345" if self._profile.currency == "USD" else ""
            self.book(payer=name, account=account, amount=-Decimal(amount), remittance=remittance)

    def statements(self) -> list[BankStatement]:
        """One statement a banking day; each opens with what the one before closed with."""
        opening, made = self._profile.opening_balance, []
        for number, day in enumerate(self._profile.bank_days, start=218):
            lines = tuple(sorted((line for line in self._lines if line.booked_on == day), key=lambda x: x.reference))
            statement = BankStatement(
                account=self._profile.bank_account,
                currency=self._profile.currency,
                owner=self._profile.name,
                number=number,
                on=day,
                opening=opening,
                lines=lines,
            )
            made.append(statement)
            opening = statement.closing
        return made
