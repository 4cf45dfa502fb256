"""Letters: the address shows in the window, the amounts are exact, the code pays what is open."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pypdfium2 as pdfium  # type: ignore[import-untyped]
import pytest

from receivables.address import AddressError, PostalAddress
from receivables.money import Money
from reminders.letter import Form, Letter, write_letter
from reminders.letter_pdf import draw_letter
from reminders.own_copy import sample
from reminders.payment_code import AccountError, bank_account, code_for
from reminders.policy import Tone
from reminders.templating import PrintError
from tests.reminders.facts import BRAND, eur

SENDER = PostalAddress("Nordlicht Studio", "Hafenstr. 12", "Hamburg", "20457", "DE")
GERMAN = PostalAddress("Birkenhof GmbH", "Zum Birkenhof 3", "Lüneburg", "21335", "DE", extra="Frau Żaneta Öztürk")
AMERICAN = PostalAddress("Birch & Sons", "185 Berry St Ste 6100", "San Francisco", "94107", "US", region="CA")
IBAN = "DE89 3704 0044 0532 0130 00"
LINK = "https://pay.nordlicht.example/t/AbCdEfGhIjKlMnOp"
ON = date(2026, 11, 17)
MM, INCH = 72 / 25.4, 72.0


def letter(recipient: PostalAddress = GERMAN, *, count: int = 3, **more: Any) -> Letter:  # noqa: ANN401
    facts: dict[str, Any] = {
        "reminder": sample(Tone.FINAL, count=count, today=ON, currency="EUR"),
        "brand": BRAND,
        "sender": SENDER,
        "recipient": recipient,
        "account": bank_account(holder="Nordlicht Studio", iban=IBAN, bic=""),
        "link": LINK,
        "on": ON,
        "language": "de",
    }
    return write_letter(**(facts | more))


def _texts(pdf: bytes) -> list[str]:
    document = pdfium.PdfDocument(pdf)
    return [document[place].get_textpage().get_text_range() for place in range(len(document))]


@pytest.mark.parametrize(
    ("form", "recipient", "window"),
    [
        # DIN 5008 form B with DIN 680's window: left, right, top, bottom in points from the top left corner.
        (Form.DIN_5008, GERMAN, (20 * MM, 105 * MM, 45 * MM, 90 * MM)),
        # A #10 envelope (window 4.5 x 1.125 in, 0.875 in from the left, 0.5 in from the bottom), sheet folded in three.
        (Form.US_10, AMERICAN, (0.875 * INCH, 5.375 * INCH, 1.9 * INCH, 3.2 * INCH)),
    ],
)
def test_the_address_and_nothing_else_shows_in_the_window(
    form: Form, recipient: PostalAddress, window: tuple[float, float, float, float]
) -> None:
    page = pdfium.PdfDocument(draw_letter(letter(recipient), form=form))[0]
    left, right, top, bottom = window
    height = page.get_height()
    text = page.get_textpage().get_text_bounded(left=left, bottom=height - bottom, right=right, top=height - top)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    assert lines[0].startswith("Nordlicht Studio · Hafenstr. 12")
    assert lines[1:] == [
        line.replace("Ż", "Z") if line != "US" else "UNITED STATES" for line in recipient.lines(home="DE")
    ]


def test_what_is_open_is_written_to_the_cent_and_the_reference_names_the_invoices() -> None:
    (text,) = _texts(draw_letter(letter(), form=Form.DIN_5008))
    for words in ("1.245,50", "3.736,50", "INV-2041 INV-2042 INV-2043", IBAN, "pay.nordlicht.example/t/AbCdEf"):
        assert words in text, words


def test_the_same_letter_is_the_same_bytes_and_a_long_one_repeats_its_head() -> None:
    long = letter(count=60)
    pdf = draw_letter(long, form=Form.DIN_5008)
    assert pdf == draw_letter(long, form=Form.DIN_5008)
    pages = _texts(pdf)
    assert len(pages) == 3
    assert all("Ausgestellt" in each for each in pages)
    assert ["Birkenhof 3" in each for each in pages] == [True, False, False]
    with pytest.raises(PrintError, match="more than 6"):
        draw_letter(replace(long, rows=long.rows * 5), form=Form.DIN_5008)


def test_the_code_fills_a_transfer_of_exactly_what_is_open_in_euro_and_leads_to_the_page_else() -> None:
    account = bank_account(holder="Nordlicht Studio", iban=IBAN, bic="")

    def code(*totals: Money, to: Any = account) -> Any:  # noqa: ANN401
        return code_for(account=to, totals=totals, reference="INV-1", link=LINK)

    assert code(eur("10.00")).fills_transfer
    assert code(eur("10.00")).rows != code(eur("10.01")).rows
    link = code(Money(1000, "USD"))
    assert not link.fills_transfer
    assert code(eur("10.00"), to=None) == link == code(eur("10.00"), Money(1000, "USD"))


def test_a_carrier_that_prints_the_address_gets_none() -> None:
    (text,) = _texts(draw_letter(letter(prints_address=False), form=Form.US_10))
    assert "Lüneburg" not in text


def test_a_name_that_the_font_cannot_print_is_told_and_never_left_out() -> None:
    with pytest.raises(PrintError, match="CYRILLIC CAPITAL LETTER A"):
        draw_letter(letter(replace(GERMAN, name="Андрей")), form=Form.DIN_5008)


@pytest.mark.parametrize(
    ("iban", "bic", "complaint"),
    [
        ("DE89 3704 0044 0532 0130 01", "", "check digits"),
        ("nothing", "", "no IBAN"),
        (IBAN, "COBADE", "no BIC"),
    ],
)
def test_an_account_that_does_not_exist_is_refused(iban: str, bic: str, complaint: str) -> None:
    with pytest.raises(AccountError, match=complaint):
        bank_account(holder="x", iban=iban, bic=bic)


@pytest.mark.parametrize("change", [{"street": ""}, {"country": "de"}, {"city": "a\nb"}, {"name": "x" * 101}])
def test_an_address_that_no_letter_reaches_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(AddressError):
        replace(GERMAN, **change)
    assert PostalAddress.from_text(GERMAN.as_text()) == GERMAN
