"""A Xero organisation as the answers it gives: rendered once by the stand-in, then served from files.

What is measured is our side; a server that only sends files leaves the processor to it.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from datetime import date, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from sandbox.xero import XeroStandIn, render
from sandbox.xero.books import XeroBooks
from sandbox.xero.values import respond
from tests.connectors.consent import START

PAGE_SIZE = 1_000
CUSTOMERS = 500
CURRENCY = "GBP"
_PATH = re.compile(r"/api\.xro/2\.0/(\w+)")


def record_pages(folder: Path, count: int) -> None:
    """Write the pages of `count` invoices, and of as many payments that pay half of each, into `folder`."""
    standin = XeroStandIn(clock=lambda: START, client_id="", client_secret="", webhook_key="")
    books = standin.add_organisation(name="Bulk", base_currency=CURRENCY, short_code="!bulk")
    books.add_account(code="090", name="Bank", type="BANK")
    customers = [books.add_contact(name=f"Customer {n}", email=f"c{n}@example.com") for n in range(CUSTOMERS)]
    _write(folder, "Contacts", 1, standin, [render.plain(books, each) for each in books.contacts.values()])
    for number in range(1, -(-count // PAGE_SIZE) + 1):
        first = (number - 1) * PAGE_SIZE
        _trade(books, customers, range(first, min(first + PAGE_SIZE, count)))
        invoices = [render.document(books, each) for each in books.invoices.values()]
        _write(folder, "Invoices", number, standin, invoices)
        _write(folder, "Payments", number, standin, [render.payment(books, p) for p in books.payments.values()])
        for gone in (books.invoices, books.payments, books.numbers):
            gone.clear()


def _trade(books: XeroBooks, customers: list[str], numbers: range) -> None:
    for number in numbers:
        issued_on = date(2026, 1, 1) + timedelta(days=number % 300)
        invoice_id = books.add_invoice(
            contact_id=customers[number % len(customers)],
            number=f"INV-{number:06d}",
            total=Decimal(10_000 + number) / 100,
            currency=CURRENCY,
            issued_on=issued_on,
            due_on=issued_on + timedelta(days=30),
            reference=f"PO-{number}",
        )
        paid_on = issued_on + timedelta(days=20)
        books.add_payment(
            invoice_id=invoice_id, amount=Decimal("50.00"), paid_on=paid_on, account_code="090", reference=f"T{number}"
        )


def _write(folder: Path, items: str, number: int, standin: XeroStandIn, shown: list[dict[str, object]]) -> None:
    body = respond(standin.envelope(**{items: shown})).get_data()
    (folder / f"{items}-{number}.json").write_bytes(body)


def page_files(folder: Path, items: str) -> list[Path]:
    """The recorded pages of a list, in order."""
    return sorted(folder.glob(f"{items}-*.json"), key=lambda path: int(path.stem.split("-")[1]))


def serve(folder: Path) -> None:
    """Answer from `folder` until killed; the address is the first line on stdout. A list without pages is empty."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            found = _PATH.match(address.path)
            items = found[1] if found else ""
            page = parse_qs(address.query).get("page", ["1"])[0]
            file = folder / f"{items}-{int(page)}.json"
            body = file.read_bytes() if file.exists() else json.dumps({items: []}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    serve(parser.parse_args().folder)
