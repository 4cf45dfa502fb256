"""Who signs messages, of every tone or of one, and in whose name they come."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.channels.email import under_name
from reminders.policy import Tone
from runtime.operations.errors import InputError
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.send import send_reminders
from runtime.operations.reminding.signatures import MAX_SIGNATURE_CHARS, sign_as, signatures
from runtime.store import tables as t
from sandbox.capture import CapturedMail
from tests.operations.firm import Firm


def _sign(firm: Firm, name: str, tone: Tone | None = None) -> None:
    sign_as(firm.app, organisation_id=firm.id, tone=tone, name=name, actor="dana")


def _name(firm: Firm) -> str:
    (organisation,) = firm.rows(t.organisation)
    return str(organisation.name)


def _sent(firm: Firm) -> CapturedMail:
    """The reminder of Bolt's invoice, the first level: friendly."""
    firm.switch_sending()
    plan_reminders(firm.app, firm.id)
    send_reminders(firm.app, firm.id)
    (mail,) = [each for each in firm.mailbox.mails if each.recipients == ("bolt@example.com",)]
    return replace(mail, text=mail.text.replace("\r\n", "\n"))


def test_a_message_comes_in_the_organisations_name_and_is_signed_by_its_accounts_receivable(firm: Firm) -> None:
    mail = _sent(firm)
    assert mail.headers["From"] == f"{_name(firm)} <accounts@truedue.example>"
    assert f"\nAccounts receivable\n{_name(firm)}" in mail.text


def test_whoever_is_named_for_a_tone_signs_it_before_whoever_signs_all(any_stored_firm: Firm) -> None:
    firm = any_stored_firm
    _sign(firm, "Maya Lindqvist")
    _sign(firm, "Jo Ferreira, credit control", Tone.FRIENDLY)
    _sign(firm, "Ines Weber", Tone.FIRM)
    mail = _sent(firm)
    assert mail.headers["From"].replace('"', "") == (
        f"Jo Ferreira, credit control, {_name(firm)} <accounts@truedue.example>"
    )
    assert f"\nJo Ferreira, credit control\n{_name(firm)}" in mail.text
    assert "Jo Ferreira" in mail.html
    assert [row.actor for row in firm.rows(t.event, action="signature_changed")] == ["dana"] * 3


def test_an_empty_name_takes_it_back(firm: Firm) -> None:
    _sign(firm, "Maya Lindqvist")
    _sign(firm, "Jo Ferreira", Tone.FRIENDLY)
    _sign(firm, " ", Tone.FRIENDLY)
    with firm.app.store.read() as db:
        assert signatures(db, firm.id) == {"": "Maya Lindqvist"}
    assert "\nMaya Lindqvist\n" in _sent(firm).text


@pytest.mark.parametrize("name", ["x" * (MAX_SIGNATURE_CHARS + 1), "Maya\nLindqvist", "Maya\x07"])
def test_a_name_is_one_line(firm: Firm, name: str) -> None:
    with pytest.raises(InputError, match="one line of at most"):
        _sign(firm, name)
    assert firm.rows(t.signature) == []


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Harbour, Joinery Ltd", "Harbour, Joinery Ltd <a@firm.example>"),
        ("", "TrueDue <a@firm.example>"),
        ('Evil" <x@evil.example>\r\nBcc: y@evil.example', "Evil x@evil.example Bcc: y@evil.example <a@firm.example>"),
        ("n" * 500, f"{'n' * 120} <a@firm.example>"),
    ],
)
def test_a_name_cannot_leave_its_place_in_the_header(name: str, shown: str) -> None:
    assert under_name("TrueDue <a@firm.example>", name) == shown
