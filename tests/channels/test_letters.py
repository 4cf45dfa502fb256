"""Letters: through the same gate into a print folder, or to Lob; once each, whatever is lost on the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pypdfium2 as pdfium  # type: ignore[import-untyped]
import pytest

from receivables.address import PostalAddress
from reminders.evidence import Channel
from runtime.operations.errors import InputError
from runtime.operations.reaching.channels import switch_channel
from runtime.operations.reaching.contact_points import forget_contact
from runtime.operations.reaching.look_up import look_up
from runtime.store import tables as t
from sandbox.lob import LobStandIn
from sandbox.server import serve
from tests.channels.conftest import Texting
from tests.operations.faults import lose_answer
from tests.operations.firm import TODAY

SENDER = {"name": "Firm", "street": "1 Quay", "city": "London", "post_code": "E1 1AA", "country": "GB"}
ADDRESSES = {
    "Acme": PostalAddress("Acme Ltd", "2 High Street", "Leeds", "LS1 1AA", "GB"),
    "Bolt": PostalAddress("Bolt Inc", "185 Berry St Ste 6100", "San Francisco", "94107", "US", region="CA"),
}


def _post(texting: Texting, carrier: str) -> Texting:
    firm = texting.firm
    switch_channel(
        firm.app,
        organisation_id=firm.id,
        channel=Channel.LETTER,
        on=True,
        carrier=carrier,
        details=SENDER,
        actor="owner",
    )
    for name, address in ADDRESSES.items():
        texting.note(name, address.as_text(), Channel.LETTER)
    texting.policy("letter")
    return texting


@pytest.fixture
def folder(texting: Texting, tmp_path: Path) -> Path:
    texting.firm.app.settings.print_folder = str(tmp_path / "letters")
    _post(texting, "print")
    return tmp_path / "letters"


@pytest.fixture
def lob(texting: Texting) -> Iterator[LobStandIn]:
    standin = LobStandIn(clock=texting.firm.time, api_key="test_not-a-real-key")
    served = serve(standin)
    settings = texting.firm.app.settings
    settings.lob_api_url, settings.lob_api_key = served.url, type(settings.lob_api_key)(standin.api_key)
    _post(texting, "lob")
    yield standin
    served.stop()


def _text(pdf: bytes) -> str:
    return "".join(page.get_textpage().get_text_range() for page in pdfium.PdfDocument(pdf))


def test_a_letter_goes_where_the_ledger_says_and_nobody_typed_it(texting: Texting, folder: Path) -> None:
    firm = texting.firm
    forget_contact(
        firm.app, organisation_id=firm.id, customer_id=texting.id_of("Acme"), channel=Channel.LETTER, actor=""
    )
    assert texting.send()["sent"] == 1
    firm.ledger.edit_ways(firm.customers["Acme"], street="7 Mill Lane")
    firm.time.advance(minutes=5)
    firm.poll()
    assert texting.send()["sent"] == 1
    assert any("7 Mill Lane" in _text(each.read_bytes()) for each in folder.glob("*.pdf"))


def test_a_letter_lies_in_the_print_folder_with_what_is_open(texting: Texting, folder: Path) -> None:
    firm = texting.firm
    firm.ledger.pay_by_hand("INV-2001", "50.00", on=TODAY)
    assert texting.send()["sent"] == 2
    (text,) = [text for text in (_text(each.read_bytes()) for each in folder.glob("*.pdf")) if "INV-2001" in text]
    assert "£250.00" in text
    assert "San Francisco CA 94107" in text
    assert "UNITED STATES" in text
    assert texting.states() == [("letter", "sent"), ("letter", "sent")]
    assert all('"channel":"letter"' in row.body for row in firm.rows(t.certificate))
    assert texting.send().get("sent", 0) == 0
    (first, *_) = folder.glob("*.pdf")
    first.unlink()
    firm.time.advance(hours=2)
    assert look_up(firm.app, firm.id) == {"is_sent": 1, "is_accepted": 1}


@pytest.mark.long
def test_letters_need_a_sender_and_a_sound_account(texting: Texting, tmp_path: Path) -> None:
    firm = texting.firm
    firm.app.settings.print_folder = str(tmp_path)
    for details, complaint in (
        ({}, "who sends them"),
        (SENDER | {"street": ""}, "lacks its street"),
        (SENDER | {"iban": "GB00 NWBK"}, "check digits"),
        ({"colour": "red"}, "no detail 'colour'"),
    ):
        with pytest.raises(InputError, match=complaint):
            switch_channel(
                firm.app, organisation_id=firm.id, channel=Channel.LETTER, on=True, carrier="print", details=details
            )
    assert firm.rows(t.channel_switch, channel="letter") == []


@pytest.mark.long
def test_a_letter_that_was_begun_in_the_folder_and_is_gone_is_left_to_a_person(texting: Texting, folder: Path) -> None:
    firm = texting.firm
    texting.send()
    with firm.app.store.write() as db:
        db.execute(t.reminder.update().values(state="in_doubt"))
        db.execute(t.reminder_item.update().values(state="planned"))
        db.execute(t.delivery.delete())
    first, _ = sorted(folder.glob("*.pdf"))
    first.unlink()
    firm.time.advance(minutes=3)
    assert look_up(firm.app, firm.id) == {"in_doubt_still": 1, "was_taken": 1}


@pytest.mark.long
def test_lob_prints_the_address_itself_and_is_asked_once(texting: Texting, lob: LobStandIn) -> None:
    assert texting.send()["sent"] == 2
    (letter,) = [each for each in lob.letters if each.to["address_zip"] == "94107"]
    assert (letter.to["address_state"], letter.sender["address_city"]) == ("CA", "London")
    assert "San Francisco" not in _text(letter.pdf)
    assert "£300.00" in _text(letter.pdf)
    assert texting.send().get("sent", 0) == 0
    assert len(lob.letters) == 2


@pytest.mark.long
def test_a_lost_answer_of_lob_is_found_by_our_key(texting: Texting, lob: LobStandIn) -> None:
    firm = texting.firm
    lob.interceptor = lose_answer(lob)
    assert texting.send()["in_doubt"] == 1
    firm.time.advance(days=2)  # the key counts no more, the metadata does
    assert look_up(firm.app, firm.id)["was_taken"] == 1
    assert texting.states() == [("letter", "sent"), ("letter", "sent")]
    assert len(lob.letters) == 2
    assert firm.problems() == []


@pytest.mark.long
def test_lob_puts_off_and_refuses(texting: Texting, lob: LobStandIn) -> None:
    firm = texting.firm
    lob.puts_off = 2
    assert texting.send()["failed"] == 2
    lob.undeliverable.add("94107")
    assert texting.send() == {"ledger_reads": 1, "sent": 1, "failed": 1}
    assert "contact_needed" in firm.problems()
    assert texting.send().get("failed", 0) == 0, "an address at which nothing arrives is not tried again"


@pytest.mark.long
def test_a_letter_that_comes_back_makes_its_level_due_another_way(texting: Texting, lob: LobStandIn) -> None:
    firm = texting.firm
    texting.policy("letter", ", otherwise: email")
    texting.send()
    for each in lob.letters:
        each.events = ["In Transit", "Returned to Sender"] if each.to["address_zip"] == "94107" else ["Delivered"]
    firm.time.advance(days=9)
    assert look_up(firm.app, firm.id) == {"is_delivered": 1, "is_undelivered": 1}
    assert texting.states() == [("letter", "sent"), ("letter", "undelivered")]
    texting.send()
    assert ("bolt@example.com",) in [mail.recipients for mail in firm.mailbox.mails]
