"""An organisation's own words: tried before they count, and held with a reason where they cannot be rendered."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert

from reminders.own_copy import CopyKind, our_copy
from reminders.policy import Tone
from runtime.operations.errors import InputError
from runtime.operations.reminding.copies import every_copy, set_copy
from runtime.operations.reminding.remind import remind_organisation
from runtime.store import connections
from runtime.store import tables as t
from tests.operations.firm import Firm

OWN = "Your account with {{ sender }}\n---\nGood day {{ recipient }},\n\n{{ total }}, please.\n---\nMany thanks."


def _set(
    firm: Firm,
    text: str,
    tone: Tone | None = Tone.FRIENDLY,
    language: str = "en",
    *,
    kind: CopyKind = CopyKind.EMAIL,
) -> None:
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
    assert organisation is not None
    named: dict[str, Any] = {"kind": kind, "language": language, "tone": tone}
    set_copy(firm.app, organisation=organisation, **named, text=text, actor="Dana Fenwick")


def _remind(firm: Firm) -> dict[str, str]:
    firm.switch_sending()
    remind_organisation(firm.app, firm.id)
    return {mail.recipients[0]: f"{mail.subject}\n{mail.text}".replace("\r\n", "\n") for mail in firm.mailbox.mails}


def test_own_words_are_sent_with_all_that_every_message_carries(stored_firm: Firm) -> None:
    _set(stored_firm, "one\n---\ntwo\n---\nthree")
    _set(stored_firm, OWN)
    mail = _remind(stored_firm)["bolt@example.com"]
    assert mail.startswith("Your account with Firm\nGood day Bolt,\n\n£300.00, please.")
    assert "INV-2001" in mail
    assert "/unsubscribe" in mail
    with stored_firm.app.store.read() as db:
        own = [each for each in every_copy(db, stored_firm.id, CopyKind.EMAIL) if each.is_own]
    assert [(each.language, each.tone, each.text, each.set_by) for each in own] == [
        ("en", Tone.FRIENDLY, OWN, "Dana Fenwick")
    ]


def test_going_back_lets_ours_count_again(firm: Firm) -> None:
    _set(firm, OWN)
    _set(firm, "")
    assert "A friendly reminder: invoice INV-2001" in _remind(firm)["bolt@example.com"]
    assert [row.version for row in firm.rows(t.message_copy)] == [1, 2]


@pytest.mark.parametrize(
    ("text", "language", "reason"),
    [
        ("no parts", "en", "three parts"),
        ("{{ nobody }}\n---\nb\n---\nc", "en", "nobody"),
        ("{% if count == 1 %}a{% endif %}\n---\nb\n---\nc", "en", "the subject and the opening must say something"),
        ("a\n---\n{% for i in (1..9999) %}x{% endfor %}\n---\nc", "en", "loop"),
        (our_copy("en", Tone.CLEAR), "en", "two messages in a row would be alike"),
        (OWN, "eo", "'eo' is not one of en, de, fr"),
    ],
)
def test_words_that_may_not_count_are_refused_with_the_reason(
    firm: Firm, text: str, language: str, reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        _set(firm, text, language=language)
    assert firm.rows(t.message_copy) == []


def test_words_that_cannot_be_rendered_hold_and_say_why_and_nothing_else_leaves_in_their_place(firm: Firm) -> None:
    """They were fine when they were set; what they name is no longer there."""
    with firm.app.store.write() as db:
        db.execute(
            insert(t.message_copy).values(
                organisation_id=firm.id,
                kind="email",
                language="en",
                tone="friendly",
                version=1,
                body="{{ gone }}\n---\nb\n---\nc",
                set_by="Dana Fenwick",
                set_at=firm.time(),
            )
        )
    assert _remind(firm) == {}
    assert {(row.state, row.why) for row in firm.rows(t.reminder)} == {("held", "copy_broken")}
    assert firm.rows(t.certificate) == [], "nothing is certified that does not leave"
    assert firm.problems() == ["copy_broken"]
    (problem,) = firm.rows(t.problem)
    assert "friendly (en)" in problem.text
    assert "gone" in problem.text
    _set(firm, OWN)
    assert firm.problems() == []
    assert set(_remind(firm)) == {"acme@example.com", "bolt@example.com"}


THANKS = "Cheers, {{ sender }}\n---\nHello {{ recipient }}, {{ amount }} came.\n---\nBye"


@pytest.mark.parametrize(
    ("kind", "tone", "text", "reason"),
    [
        (CopyKind.TEXT, Tone.FIRM, "Please pay", r"text, firm \(en\) cannot count: it has to say"),
        (CopyKind.TEXT, None, "{{ total }}", "choose a tone for text"),
        (CopyKind.CALL, None, "{{ total }}", r"call \(en\) cannot count: it has to say who calls"),
        (CopyKind.CALL, Tone.FIRM, "{{ sender }} {{ total }}", "words for call have no tone"),
        (CopyKind.THANKS, None, "no parts", r"thanks \(en\) cannot count: a message has three parts"),
    ],
)
def test_words_of_other_kinds_are_tried_as_what_they_are(
    firm: Firm, kind: CopyKind, tone: Tone | None, text: str, reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        _set(firm, text, tone, kind=kind)
    assert firm.rows(t.message_copy) == []


def test_each_kind_has_versions_of_its_own(stored_firm: Firm) -> None:
    _set(stored_firm, OWN)
    _set(stored_firm, "{{ total }}, please", kind=CopyKind.TEXT)
    _set(stored_firm, THANKS, None, kind=CopyKind.THANKS)
    _set(stored_firm, "", None, kind=CopyKind.THANKS)
    kept = sorted((row.kind, row.tone, row.version) for row in stored_firm.rows(t.message_copy))
    assert kept == [("email", "friendly", 1), ("text", "friendly", 1), ("thanks", "", 1), ("thanks", "", 2)]
    with stored_firm.app.store.read() as db:
        own = {kind: [each.text for each in every_copy(db, stored_firm.id, kind) if each.is_own] for kind in CopyKind}
    assert own == {
        CopyKind.EMAIL: [OWN],
        CopyKind.TEXT: ["{{ total }}, please"],
        CopyKind.CALL: [],
        CopyKind.THANKS: [],
    }
    told = [row.detail for row in stored_firm.rows(t.event, action="copy_set")]
    assert "text, friendly (en), version 1" in told and "thanks (en), version 2" in told
