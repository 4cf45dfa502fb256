"""What QuickBooks' people read on an invoice of what happened here: notes beside it, and none of their own fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from werkzeug.wrappers import Request, Response

from connectors.errors import Reject, Retry
from connectors.intents import LinkDocument, NoteDocument
from connectors.ledgers.quickbooks.notes import HEADING, MAX_CHARACTERS, MAX_LINE_CHARACTERS
from connectors.records import Kind
from tests.connectors.ledger_suite import Install, Ledger, done, intercept, is_write, read, write_one
from tests.connectors.lookups import find_one
from tests.connectors.quickbooks_company import books_of, ledger

__all__ = ["intercept", "ledger"]

OURS = "https://pay.example.com/"


def note(ledger: Ledger, text: str = "TrueDue: Payment applied: £10 (Ö. Söhne)", key: str = "n") -> NoteDocument:
    return NoteDocument(key, ledger.invoices[2], text, is_event=True)


def page(ledger: Ledger, path: str = "o/org/invoices/doc") -> LinkDocument:
    return LinkDocument(f"link {path}", ledger.invoices[2], OURS + path, OURS)


def notes(ledger: Ledger) -> list[str]:
    return books_of(ledger).notes_of(ledger.invoices[2])


def test_lines_stand_below_each_other_in_one_note_and_the_invoice_is_as_it_was(ledger: Ledger) -> None:
    before = read(ledger, Kind.INVOICE)[ledger.invoices[2]]
    for key in ("a", "b"):
        done(write_one(ledger, note(ledger, key=key)))
    (text,) = notes(ledger)
    heading, first, second = text.split("\n")
    assert heading == HEADING
    assert first != second, "the same words were said twice"
    assert all(each.startswith("TrueDue: Payment applied: £10 (Ö. Söhne) [") for each in (first, second))
    assert read(ledger, Kind.INVOICE)[ledger.invoices[2]] == before
    (attached,) = books_of(ledger).entities["Attachable"].values()
    assert [each["IncludeOnSend"] for each in attached["AttachableRef"]] == [False], "the customer is not sent it"


@pytest.mark.parametrize("before", [0, 1])
def test_a_line_whose_answer_was_lost_is_found_and_stands_once(ledger: Ledger, intercept: Install, before: int) -> None:
    for at in range(before):
        done(write_one(ledger, note(ledger, key=f"earlier {at}")))
    intent = note(ledger)
    assert find_one(ledger.connector, intent) is None

    def lose(request: Request, handle: Callable[[], Response]) -> Response:
        answer = handle()
        return Response(status=502) if is_write(request) else answer

    intercept(lose)
    outcome = write_one(ledger, intent)
    assert isinstance(outcome, Retry)
    assert outcome.ambiguous
    ledger.standin.interceptor = None
    ledger.time.sleep(3600)
    assert find_one(ledger.connector, intent) is not None
    done(write_one(ledger, intent))
    assert sum(text.count("\n") for text in notes(ledger)) == before + 1


def test_a_full_note_is_followed_by_another(ledger: Ledger) -> None:
    for at in range(12):
        done(write_one(ledger, note(ledger, "x" * 400, key=str(at))))
    texts = notes(ledger)
    lines = [line for text in texts for line in text.split("\n")[1:]]
    assert len(texts) == 2
    assert all(text.startswith(HEADING) and len(text) <= MAX_CHARACTERS for text in texts)
    assert len(set(lines)) == len(lines) == 12
    assert {len(line) for line in lines} == {MAX_LINE_CHARACTERS}


def test_what_people_write_or_remove_is_theirs(ledger: Ledger) -> None:
    books = books_of(ledger)
    books.add_note(invoice_id=ledger.invoices[2], text="Call before noon")
    done(write_one(ledger, note(ledger, key="a")))
    (ours,) = [key for key, each in books.entities["Attachable"].items() if each["Note"].startswith(HEADING)]
    books.edit_note(ours, f"{HEADING}\nlooked at, Dana")
    done(write_one(ledger, note(ledger, key="b")))
    theirs, changed = notes(ledger)
    assert theirs == "Call before noon"
    assert changed.startswith(f"{HEADING}\nlooked at, Dana\nTrueDue: ")
    books.remove_note(ours)
    done(write_one(ledger, note(ledger, key="c")))
    assert [text.count("\n") for text in notes(ledger)] == [0, 1], "what somebody removed does not come back"


def test_a_note_that_changes_between_reading_and_writing_is_read_again(ledger: Ledger, intercept: Install) -> None:
    books = books_of(ledger)
    done(write_one(ledger, note(ledger, key="a")))
    (ours,) = books.entities["Attachable"]
    once = iter([True])

    def edited_meanwhile(request: Request, handle: Callable[[], Response]) -> Response:
        answer = handle()
        if request.path.endswith("/query") and "Attachable" in request.get_data(as_text=True) and next(once, False):
            books.edit_note(ours, f"{HEADING}\nlooked at, Dana")
        return answer

    intercept(edited_meanwhile)
    outcome = write_one(ledger, note(ledger, key="b"))
    assert isinstance(outcome, Retry)
    assert not outcome.ambiguous
    done(write_one(ledger, note(ledger, key="b")))
    (text,) = notes(ledger)
    assert text.startswith(f"{HEADING}\nlooked at, Dana\nTrueDue: ")


def test_an_invoice_leads_to_our_page_once_and_an_earlier_address_gives_way(ledger: Ledger) -> None:
    assert find_one(ledger.connector, page(ledger)) is None
    for _ in range(2):
        done(write_one(ledger, page(ledger)))
        ledger.time.sleep(3600)
    assert find_one(ledger.connector, page(ledger)) is not None
    assert notes(ledger) == [f"In TrueDue: {OURS}o/org/invoices/doc"]
    done(write_one(ledger, page(ledger, "o/org/invoices/other")))
    assert notes(ledger) == [f"In TrueDue: {OURS}o/org/invoices/other"]
    done(write_one(ledger, note(ledger)))
    assert len(notes(ledger)) == 2, "what happened has a note of its own"


def test_an_invoice_that_is_not_there_is_refused(ledger: Ledger) -> None:
    outcome = write_one(ledger, replace(note(ledger), document_external_id="999999"))
    assert isinstance(outcome, Reject)
