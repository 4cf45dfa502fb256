"""Files on Xero's invoices, with xero-python against the stand-in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from werkzeug.wrappers import Request, Response

from connectors.errors import Absent, Reject, Retry
from connectors.intents import AttachFile
from connectors.ledgers.xero.attachments import file_name
from sandbox.xero.attachments import MAX_ATTACHMENTS
from tests.connectors.ledger_suite import Install, Ledger, done, intercept, write_one
from tests.connectors.lookups import find_one
from tests.connectors.xero_organisation import books_of, ledger

__all__ = ["intercept", "ledger"]

CONTENT = bytes(range(256)) * 8  # no text in any encoding


def _file(ledger: Ledger, key: str = "f", name: str = "Tür (1) [a]?.png") -> AttachFile:
    return AttachFile(key, ledger.invoices[2], "dsf", name, CONTENT)


def test_a_file_stands_on_the_invoice_once_and_not_online(ledger: Ledger, intercept: Install) -> None:
    intent = _file(ledger)
    assert find_one(ledger.connector, intent) is None

    def lose(request: Request, handle: Callable[[], Response]) -> Response:
        if request.method != "PUT":
            return handle()
        handle()
        ledger.standin.interceptor = None
        return Response(status=502)

    intercept(lose)
    outcome = write_one(ledger, intent)
    assert isinstance(outcome, Retry)
    assert outcome.ambiguous
    ledger.time.sleep(3600)
    found = find_one(ledger.connector, replace(intent, content=b""))
    assert found is not None
    assert done(write_one(ledger, intent)) == found, "written again, it takes its own place"
    (kept,) = books_of(ledger).attachments.values()
    assert (kept["Content"], kept["MimeType"], kept["IncludeOnline"]) == (CONTENT, "image/png", False)
    assert (kept["AttachmentID"],) == found.external_ids
    assert find_one(ledger.connector, replace(intent, key="other")) is None, "another file may have the same name"


def test_a_full_invoice_refuses_and_a_missing_one_is_absent(ledger: Ledger) -> None:
    for number in range(MAX_ATTACHMENTS):
        done(write_one(ledger, _file(ledger, f"f{number}", "same.pdf")))
    assert isinstance(write_one(ledger, _file(ledger, "one more")), Reject)
    gone = replace(_file(ledger), document_external_id=ledger.customer)
    assert isinstance(write_one(ledger, gone), Absent)
    assert find_one(ledger.connector, gone) is None


@pytest.mark.parametrize(
    ("name", "begins", "ends"),
    [
        ("Tür (1) [a]?.png", "Tur-1-a-", ".png"),
        ("請求書.pdf", "file-", ".pdf"),
        ("a.b.JPG", "a.b-", ".JPG"),
        ("x" * 96 + ".pdf", "x" * 96 + "-", ".pdf"),
    ],
)
def test_names_are_in_letters_that_any_address_takes(name: str, begins: str, ends: str) -> None:
    named = file_name(AttachFile("key", "i", "f", name))
    assert named.isascii()
    assert (named.startswith(begins), named.endswith(ends)) == (True, True)
    assert named != file_name(AttachFile("other", "i", "f", name))
