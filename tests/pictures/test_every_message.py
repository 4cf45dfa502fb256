"""Every message of each level and language as a picture, for people to look at: TRUEDUE_PICTURES names the folder.

What a machine can see is held here: nothing hangs over the edge of a telephone, no piece of a template is left over.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pypdfium2 as pdfium  # type: ignore[import-untyped]
import pytest
from playwright.sync_api import Page, sync_playwright
from sqlalchemy import update

from receivables.address import PostalAddress
from receivables.decline import Advice, Decline, DeclineGroup
from receivables.money import Money
from reminders.autopay_message import AutomaticLine, FailedLine, Means, render_ahead, render_failed
from reminders.call_script import call_script
from reminders.courtesy_message import StatedInvoice, render_instalment, render_new_link, render_statement
from reminders.letter import Form, write_letter
from reminders.letter_pdf import draw_letter
from reminders.message import (
    Answer,
    AnswerKind,
    EarlyPayment,
    Message,
    PaidLine,
    PaymentReceived,
    Setback,
    SetbackKind,
    render,
    render_answer,
    render_thanks,
)
from reminders.own_copy import sample
from reminders.payment_code import bank_account
from reminders.payment_plan import Instalment
from reminders.policy import Tone
from reminders.text_message import render_text_message
from reminders.wording import LANGUAGES
from runtime.store import tables as t
from tests.reminders.facts import BRAND, eur, links
from tests.shared import unavailable
from tests.web.build import fill, running
from tests.web.serving import serving
from tests.web.test_browser import CHROMIUM, FLAGS, token_of

pytestmark = [pytest.mark.browser, pytest.mark.long]

TODAY = date(2026, 11, 17)
PHONE = {"width": 390, "height": 844}
LINK = "https://pay.nordlicht.example/t/AbCdEfGhIjKlMnOp"
SENDER = PostalAddress("Nordlicht Studio", "Hafenstr. 12", "Hamburg", "20457", "DE")
RECIPIENT = PostalAddress("Birch & Sons", "185 Berry St Ste 6100", "San Francisco", "94107", "US", region="CA")
ACCOUNT = bank_account(holder="Nordlicht Studio", iban="DE89 3704 0044 0532 0130 00", bic="")
LEFT_OVER = re.compile(r"[{}]|Liquid|None|%\(")
SMALLEST_BYTES = 4_000  # of a picture that shows something
PORTAL = {"portal": "", "pay": "/pay/inv-2", "early": "/pay/inv-3", "stop": "/unsubscribe"}
ADVICE = {
    DeclineGroup.CARD: Advice.DETAILS,
    DeclineGroup.FUNDS: Advice.LATER,
    DeclineGroup.NETWORK: Advice.LATER,
    DeclineGroup.OURS: Advice.LATER,
}


@dataclass(frozen=True)
class Album:
    """Where the pictures of a language lie."""

    folder: Path
    page: Page

    def shoot(self, name: str) -> None:
        """Take a picture of what the page shows, after looking at what a machine can see."""
        shown = self.page.locator("body").inner_text()
        assert not LEFT_OVER.search(shown), f"{name}: {shown}"
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} hangs over the edge"
        file = self.folder / f"{name}.png"
        self.page.screenshot(path=file, full_page=True)
        assert file.stat().st_size > SMALLEST_BYTES, f"{name} shows nothing"

    def mail(self, name: str, message: Message) -> None:
        """Show an e-mail below its subject."""
        self.page.set_content(message.html)
        subject = html.escape(message.subject)
        bar = f'<p style="font:600 15px sans-serif;padding:10px;margin:0;background:#dde">{subject}</p>'
        self.page.evaluate("bar => document.body.insertAdjacentHTML('afterbegin', bar)", bar)
        self.shoot(name)

    def words(self, name: str, text: str) -> None:
        """Show a text or a script as a telephone does."""
        style = "font:16px sans-serif;white-space:pre-wrap;overflow-wrap:anywhere;background:#e8f0ea;padding:14px"
        self.page.set_content(f'<body><div style="{style}">{html.escape(text)}</div></body>')
        self.shoot(name)

    def letter(self, name: str, pdf: bytes) -> None:
        """Show each page of a letter."""
        for number, sheet in enumerate(pdfium.PdfDocument(pdf)):
            assert not LEFT_OVER.search(sheet.get_textpage().get_text_range()), name
            file = self.folder / f"{name}-{number + 1}.png"
            sheet.render(scale=1.5).to_pil().save(file)
            assert file.stat().st_size > SMALLEST_BYTES, f"{name} shows nothing"


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    if not CHROMIUM.exists():
        unavailable(f"{CHROMIUM} is not there")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium.new_page(viewport=PHONE)  # type: ignore[arg-type]
        chromium.close()


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def album(page: Page, language: str, tmp_path: Path) -> Album:
    folder = Path(os.environ.get("TRUEDUE_PICTURES") or tmp_path) / language
    folder.mkdir(parents=True, exist_ok=True)
    return Album(folder, page)


def _setbacks() -> Mapping[str, Setback]:
    item_ids, paid_on = ("sample-0",), date(2026, 11, 5)
    found = {"returned": Setback(SetbackKind.RETURNED, eur("1200.00"), paid_on, item_ids)}
    for group in DeclineGroup:
        decline = Decline(group, ADVICE.get(group, Advice.OTHER_WAY), "as the processor says")
        found[f"declined-{group}"] = Setback(SetbackKind.FAILED, eur("1200.00"), paid_on, item_ids, decline)
    return found


@pytest.mark.parametrize("tone", Tone)
@pytest.mark.parametrize("count", [1, 3])
def test_each_level_by_each_channel(album: Album, language: str, tone: Tone, count: int) -> None:
    reminder = sample(tone, count=count, today=TODAY, currency="EUR")
    name = f"{list(Tone).index(tone)}-{tone}-{count}"
    pages = links(*(line.item_id for line in reminder.lines))
    album.mail(f"mail-{name}", render(reminder=reminder, brand=BRAND, links=pages, language=language))
    text = render_text_message(reminder=reminder, sender=BRAND.name, link=LINK, language=language)
    album.words(f"text-{name}", text)
    album.words(f"call-{name}", call_script(reminder=reminder, sender=BRAND.name, language=language))
    letter = write_letter(
        reminder=reminder,
        brand=BRAND,
        sender=SENDER,
        recipient=RECIPIENT,
        account=ACCOUNT,
        link=LINK,
        on=TODAY,
        language=language,
        setbacks=tuple(_setbacks().values())[:1] if tone is Tone.FIRM else (),
    )
    album.letter(f"letter-{name}", draw_letter(letter, form=Form.DIN_5008))


def test_a_discount_for_paying_early(album: Album, language: str) -> None:
    reminder = sample(Tone.UPCOMING, count=2, today=TODAY, currency="EUR")
    early = [
        EarlyPayment(line.number, line.amount_due - eur("24.00"), eur("24.00"), date(2026, 11, 20))
        for line in reminder.lines
    ]
    message = render(reminder=reminder, brand=BRAND, links=links(), language=language, early=early)
    album.mail("mail-0-early", message)
    letter = write_letter(
        reminder=reminder,
        brand=BRAND,
        sender=SENDER,
        recipient=RECIPIENT,
        account=ACCOUNT,
        link=LINK,
        on=TODAY,
        language=language,
        early=early,
    )
    album.letter("letter-0-early", draw_letter(letter, form=Form.DIN_5008))


@pytest.mark.parametrize("name", _setbacks())
def test_each_way_in_which_a_payment_comes_to_nothing(album: Album, language: str, name: str) -> None:
    reminder = sample(Tone.CLEAR, count=1, today=TODAY, currency="EUR")
    setbacks = (_setbacks()[name],)
    message = render(reminder=reminder, brand=BRAND, links=links("sample-0"), language=language, setbacks=setbacks)
    album.mail(f"mail-7-{name}", message)


@pytest.mark.parametrize("rest", ["0.00", "40.00"])
def test_thanks(album: Album, language: str, rest: str) -> None:
    lines = (PaidLine("INV-2041", eur("1200.00"), eur("0.00")), PaidLine("INV-2042", eur("1205.50"), eur(rest)))
    payment = PaymentReceived("Birch & Sons", eur("2405.50"), TODAY, lines)
    message = render_thanks(payment=payment, brand=BRAND, links=links(), language=language)
    album.mail(f"mail-8-thanks-{'part' if rest != '0.00' else 'whole'}", message)


@pytest.mark.parametrize("kind", AnswerKind)
@pytest.mark.parametrize("known", [True, False])
def test_answers(album: Album, language: str, kind: AnswerKind, known: bool) -> None:
    found: tuple[Money | None, date | None] = (eur("1200.00"), date(2026, 11, 5)) if known else (None, None)
    still_open = eur("0.00" if kind is AnswerKind.SETTLED else "1200.00")
    answer = Answer(kind, "Birch & Sons", (("INV-2041", still_open),), 14, *found)
    message = render_answer(answer=answer, brand=BRAND, links=links(), language=language)
    album.mail(f"mail-9-{kind}-{'known' if known else 'unknown'}", message)


def test_what_is_sent_as_a_courtesy(album: Album, language: str) -> None:
    common = {"recipient": "Birch & Sons", "brand": BRAND, "links": links(), "language": language}
    invoices = [StatedInvoice(f"INV-{n}", date(2026, 9, 2), date(2026, 10, 2), eur("1200.00")) for n in (2041, 2042)]
    stated = {"on": TODAY, "invoices": invoices, "totals": [eur("2400.00")]}
    album.mail("mail-6-statement", render_statement(**common, **stated))  # type: ignore[arg-type]
    instalment = Instalment(date(2026, 11, 20), eur("400.00"))
    for name, missing in (("mail-6-instalment", "400.00"), ("mail-6-instalment-begun", "150.00")):
        figures = {"instalment": instalment, "missing": eur(missing), "left": eur("800.00")}
        album.mail(name, render_instalment(**common, **figures))  # type: ignore[arg-type]
    album.mail("mail-6-new-link", render_new_link(**common, days=90))  # type: ignore[arg-type]
    means, day = Means("sepa_debit", "3000"), date(2026, 11, 20)
    taken = [AutomaticLine(each.number, each.open_amount, day) for each in invoices]
    album.mail("mail-7-autopay", render_ahead(**common, lines=taken, means=means))  # type: ignore[arg-type]
    lines = [FailedLine(each.number, each.open_amount, None, LINK) for each in invoices]
    decline = Decline(DeclineGroup.BANK, Advice.OTHER_WAY, "declined")
    failed = render_failed(**common, lines=lines, means=means, decline=decline, is_paused=True)  # type: ignore[arg-type]
    album.mail("mail-7-autopay-failed", failed)


def test_the_payers_own_page(album: Album, language: str, tmp_path: Path) -> None:
    with running(tmp_path) as (app, _):
        fill(app)
        with app.store.write() as db:
            db.execute(update(t.customer).where(t.customer.c.id == "acme").values(language=language))
        token = token_of(app)
        with serving(app) as address:
            for name, path in PORTAL.items():
                album.page.set_extra_http_headers({"Accept-Language": language})
                album.page.goto(f"{address}/p/{token}{path}")
                album.shoot(f"page-{name}")
