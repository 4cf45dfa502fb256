"""The code on a letter that fills a bank transfer in, or leads to the payer's page; and account numbers that exist."""

from __future__ import annotations

import re
from dataclasses import dataclass

import segno
from segno import helpers

from receivables.money import Money
from reminders.schedule import PlannedReminder

MAX_REFERENCE_CHARACTERS = 140  # of the unstructured remittance (EPC069-12, version 2.1)
MAX_NAME_CHARACTERS = 70
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?")


class AccountError(ValueError):
    """An account number that no account has; the text says what to correct."""


@dataclass(frozen=True, slots=True)
class BankAccount:
    """Where transfers go. `bic` may be empty within the European Economic Area."""

    holder: str
    iban: str
    bic: str = ""

    @property
    def grouped(self) -> str:
        """The IBAN as people read it, in fours."""
        return " ".join(self.iban[start : start + 4] for start in range(0, len(self.iban), 4))


@dataclass(frozen=True, slots=True)
class Code:
    """A QR code: `rows` of dark (True) and light modules without a margin; `fills_transfer` is what it is for."""

    rows: tuple[tuple[bool, ...], ...]
    fills_transfer: bool


def bank_account(*, holder: str, iban: str, bic: str) -> BankAccount:
    """Return the account; AccountError where the check digits (ISO 13616) or the BIC's form do not hold."""
    plain, code = "".join(iban.split()).upper(), "".join(bic.split()).upper()
    if not _IBAN.fullmatch(plain) or int("".join(str(int(each, 36)) for each in plain[4:] + plain[:4])) % 97 != 1:
        raise AccountError(f"{iban!r} is no IBAN: its check digits do not hold")
    if code and not _BIC.fullmatch(code):
        raise AccountError(f"{bic!r} is no BIC")
    if not holder.strip():
        raise AccountError("name the account's holder")
    return BankAccount(holder.strip(), plain, code)


def reference_of(reminder: PlannedReminder) -> str:
    """What the payer should write on a transfer: as many invoice numbers as a transfer has room for."""
    text = ""
    for line in reminder.lines:
        longer = f"{text} {line.number}".strip()
        if len(longer) > MAX_REFERENCE_CHARACTERS:
            break
        text = longer
    return text


def code_for(*, account: BankAccount | None, totals: tuple[Money, ...], reference: str, link: str) -> Code:
    """Return the code of a transfer where one can be filled in (an account, one total in EUR), else of the link."""
    if account is not None and len(totals) == 1 and totals[0].currency == "EUR":
        made = helpers.make_epc_qr(
            name=account.holder[:MAX_NAME_CHARACTERS],
            iban=account.iban,
            bic=account.bic or None,
            amount=totals[0].decimal,
            text=reference,
        )
        return Code(_rows(made), fills_transfer=True)
    return Code(_rows(segno.make_qr(link, error="m")), fills_transfer=False)


def _rows(code: segno.QRCode) -> tuple[tuple[bool, ...], ...]:
    return tuple(tuple(bool(module) for module in row) for row in code.matrix)
