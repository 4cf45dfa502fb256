"""A small organisation in a temporary store, made by inserting rows: enough to fill every page."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Table, insert

from receivables.receipt import account_key
from runtime.app import App, build
from runtime.settings import Settings
from runtime.store import tables as t
from tests.databases import migrate

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)  # a Tuesday
TODAY = NOW.date()
UNKNOWN_FILE = (
    b"Konto;DE77 0000 1111\n\nTag;Wer;Zweck;Konto des Zahlers;Wert\n"
    b"26.02.2026;ACME TRADING;INV-1 and a text that goes on and on, as banks put there what nobody reads;;120,00\n"
    b"27.02.2026;VERMIETER;Miete;DE55;-900,50\n"
)
XERO_SECRET = "not-a-real-webhook-key"


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@contextmanager
def running(
    folder: Path, like: bytes | None = None, /, *, public_url: str = "http://127.0.0.1:8000", **others: str
) -> Iterator[tuple[App, Time]]:
    """A product on a migrated SQLite store, empty or a copy of `like`; `others` are further settings."""
    time = Time()
    settings = Settings.model_validate(
        {
            "database_url": f"sqlite:///{folder}/store.sqlite3",
            "public_url": public_url,
            "key": base64.b64encode(bytes(range(32))).decode(),
            "xero_webhook_secret": XERO_SECRET,
            "xero_client_id": "client",
            "xero_client_secret": "not-a-secret",
            **others,
        }
    )
    app = build(settings, clock=time)
    migrate(app.store, like)
    yield app, time
    app.close()


class Books:
    """Inserts rows of one organisation."""

    def __init__(self, app: App, organisation_id: str, name: str) -> None:
        self.app = app
        self.id = organisation_id
        self._put(
            t.organisation,
            id=organisation_id,
            name=name,
            base_currency="GBP",
            time_zone="Europe/London",
            country="GB",
            sending_on=True,
            created_at=NOW,
        )

    @classmethod
    def of(cls, app: App, organisation_id: str) -> Books:
        """The books of an organisation that is there already."""
        books = cls.__new__(cls)
        books.app, books.id = app, organisation_id
        return books

    def customer(self, customer_id: str, name: str, **values: object) -> str:
        row = {"email": f"{customer_id}@example.com", "country": "GB", "changed_at": NOW} | values
        self._mine(t.customer, id=customer_id, name=name, **row)
        self.link("xero", "customer", customer_id, f"x-{customer_id}")
        return customer_id

    def invoice(self, document_id: str, customer_id: str, *, late: int, total: int, **values: object) -> str:
        """An invoice of `total` minor units that is `late` days overdue today."""
        due = TODAY - timedelta(days=late)
        row = {
            "kind": "invoice",
            "number": document_id.upper(),
            "references": [],
            "currency": "GBP",
            "total_minor": total,
            "balance_minor": total,
            "issued_on": due - timedelta(days=30),
            "due_on": due,
            "status": "open",
            "sent": True,
            "read_at": NOW,
            "changed_at": NOW,
        }
        self._mine(t.document, id=document_id, customer_id=customer_id, **(row | values))
        self.link("xero", "document", document_id, f"x-{document_id}")
        return document_id

    def receipt(self, receipt_id: str, minor: int, **values: object) -> str:
        row = {
            "source": "bank",
            "source_account": "GB00",
            "external_id": receipt_id,
            "received_on": TODAY - timedelta(days=1),
            "currency": "GBP",
            "amount_minor": minor,
            "unapplied_minor": 0,
            "payer_name": "A PAYER",
            "payer_account": "",
            "remittance": "",
            "hints": {},
            "status": "received",
            "state": "new",
            "method": "bank",
            "applications": 0,
            "changed_at": NOW,
        }
        row |= values
        self._mine(t.receipt, id=receipt_id, payer_account_key=account_key(str(row["payer_account"])), **row)
        return receipt_id

    def proposal(self, receipt_id: str, lines: dict[str, int], **values: object) -> None:
        """A proposal that sets a receipt against `lines` (document id: minor units)."""
        best = {
            "explanation": "exact" if lines else "unrelated",
            "confidence": 0.87,
            "allocations": [
                {"item_id": item, "amount": {"minor": minor, "currency": "GBP"}, "is_credit": False}
                for item, minor in lines.items()
            ],
            "residuals": [],
            "unapplied": {"minor": 0, "currency": "GBP"},
        }
        body = {
            "best": best,
            "runner_up": values.pop("runner_up", None),
            "reasons": values.pop("reasons", ["It names the invoice."]),
            "customer_id": values.pop("customer_id", None),
        }
        row = {
            "decision": "suggest" if lines else "none",
            "state": "pending",
            "body": body,
            "plausible": list(lines),
            "proposed_at": NOW,
        }
        self._mine(t.proposal, receipt_id=receipt_id, **(row | values))

    def allocation(self, receipt_id: str, document_id: str, minor: int, **values: object) -> None:
        self._mine(
            t.allocation,
            id=f"alo-{receipt_id}-{document_id}",
            receipt_id=receipt_id,
            document_id=document_id,
            is_credit=False,
            currency="GBP",
            amount_minor=minor,
            created_at=NOW,
            **values,
        )

    def paid_by_hand(self, document_id: str, customer_id: str, minor: int, *, days_ago: int) -> None:
        """What the ledger recorded of an invoice as paid some days ago."""
        on, key = TODAY - timedelta(days=days_ago), f"pay-{document_id}-{days_ago}"
        lines = [[document_id, minor]]
        about = {"id": key, "external_id": key, "customer_id": customer_id, "received_on": on, "read_at": NOW}
        self._mine(t.ledger_payment, **about, currency="GBP", amount_minor=minor, lines=lines)

    def reminder(self, reminder_id: str, customer_id: str, document_id: str, *, state: str, minor: int) -> None:
        self._mine(
            t.reminder,
            id=reminder_id,
            customer_id=customer_id,
            level=1,
            channel="email",
            state=state,
            recipient=f"{customer_id}@example.com",
            subject="A reminder of your invoice",
            body_text="",
            body_html="",
            planned_at=NOW - timedelta(days=2),
            sent_at=NOW - timedelta(days=2) if state == "sent" else None,
            why="",
        )
        self._mine(
            t.reminder_item,
            reminder_id=reminder_id,
            document_id=document_id,
            level=1,
            currency="GBP",
            amount_minor=minor,
            state=state,
        )

    def call(self, reminder_id: str, customer_id: str, document_id: str, *, minor: int) -> None:
        """A call that was begun, whose outcome nobody has said yet."""
        self.reminder(reminder_id, customer_id, document_id, state="handing", minor=minor)
        begun = {
            "channel": "call_task",
            "recipient": "+442079460018",
            "body_text": "Good morning.\n\nIt is about money.",
        }
        with self.app.store.write() as db:
            db.execute(t.reminder.update().where(t.reminder.c.id == reminder_id).values(**begun))

    def certificate(self, document_id: str, body: dict[str, Any]) -> str:
        """Keep a certificate of this content; gives its digest."""
        content = json.dumps(body, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(content.encode()).hexdigest()
        self._mine(
            t.certificate,
            digest=digest,
            sequence=1,
            previous="",
            document_id=document_id,
            body=content,
            created_at=NOW,
        )
        return digest

    def bank(self, until: date) -> None:
        """A bank account whose statements prove up to `until`."""
        self._mine(t.account, id=f"acc-{self.id}", name="Current account", handle="090", purpose="bank", currency="GBP")
        self._mine(
            t.bank_account,
            id=f"bnk-{self.id}",
            identification="GB00TEST",
            currency="GBP",
            ledger_account="090",
            declares="statement",
            evidence_until=until,
        )

    def waiting_file(self, pending_id: str, content: bytes) -> None:
        """A bank file of which nobody said yet what its columns mean."""
        self._mine(t.pending_statement, id=pending_id, file="unknown.csv", content=content, uploaded_at=NOW)

    def dispute_file(self, file_id: str, document_id: str, name: str, media_type: str) -> None:
        """A file that came with a dispute; it says nothing."""
        about = {"id": file_id, "document_id": document_id, "name": name, "media_type": media_type}
        self._mine(t.dispute_file, **about, content=b"\xff\xd8\xff", sent_at=NOW)

    def payout(self, payout_id: str, lines: list[list[Any]], **values: object) -> None:
        """A payout of these balance transactions (type, amount, fee, payment)."""
        row = {
            "external_id": payout_id,
            "arrival_on": TODAY - timedelta(days=1),
            "currency": "GBP",
            "amount_minor": sum(amount - fee for _, amount, fee, _ in lines),
            "fees_minor": sum(fee for _, _, fee, _ in lines),
            "state": "paid",
            "lines": lines,
        }
        self._mine(t.payout, id=payout_id, **(row | values))

    def connection(self, system: str, role: str, *, status: str = "connected") -> None:
        consent = f"cns-{self.id}-{system}"
        self._put(
            t.consent,
            id=consent,
            system=system,
            access_token=b"",
            refresh_token=b"",
            key_version=1,
            expires_at=NOW,
            generation=0,
        )
        self._mine(
            t.connection,
            id=f"con-{self.id}-{system}",
            system=system,
            role=role,
            account=f"{self.id}-{system}",
            account_name=f"{system} account",
            instance_url="",
            consent_id=consent,
            status=status,
            connected_at=NOW - timedelta(days=40),
        )

    def problem(self, code: str, subject: str, text: str, remedy: str) -> None:
        self._mine(
            t.problem,
            id=f"prb-{code}-{subject}",
            code=code,
            subject=subject,
            text=text,
            remedy=remedy,
            found_at=NOW,
        )

    def event(self, subject: str, action: str, detail: str, actor: str = "matching") -> None:
        self._mine(t.event, at=NOW, actor=actor, action=action, subject=subject, detail=detail)

    def conflict(self, document_id: str) -> None:
        self._mine(
            t.conflict,
            id=f"cfl-{document_id}",
            local_id=document_id,
            field="due_on",
            system="salesforce",
            kept="2026-02-01",
            lost="2026-02-15",
            found_at=NOW,
        )

    def charges(self, business: str, charged: str, waived: str) -> None:
        """Late charges are on: rates of two half-years, a business, one charge that was posted and one waived."""
        with self.app.store.write() as db:
            db.execute(t.organisation.update().where(t.organisation.c.id == self.id).values(charges_on=True))
            db.execute(t.customer.update().where(t.customer.c.id == business).values(is_business=True))
        for since, rate in ((date(2025, 7, 1), 425), (date(2026, 1, 1), 375)):
            row = {"organisation_id": self.id, "since": since, "basis_points": rate, "set_by": "owner", "set_at": NOW}
            self._put(t.reference_rate, **row)
        for document_id, state in ((charged, "posted"), (waived, "waived")):
            about = {"id": f"chg-{document_id}", "document_id": document_id, "customer_id": business, "state": state}
            days = {"since": TODAY - timedelta(days=30), "until": TODAY - timedelta(days=2), "decided_at": NOW}
            amounts = {"currency": "GBP", "interest_minor": 1_234, "fixed_minor": 4_000, "arithmetic": {}}
            self._mine(t.charge, **about, **days, **amounts, decided_by="dana@example.com")

    def discounts(self, customer_id: str, **states: tuple[str, int, int]) -> None:
        """Discounts were offered: by state an invoice, its total and what is taken off."""
        with self.app.store.write() as db:
            db.execute(t.organisation.update().where(t.organisation.c.id == self.id).values(discounts_on=True))
        for state, (document_id, total, amount) in states.items():
            about = {"document_id": document_id, "customer_id": customer_id, "state": state, "policy": "2/10 net 30"}
            amounts = {"currency": "GBP", "total_minor": total, "amount_minor": amount}
            days = {"last_on": TODAY + timedelta(days=1), "ends_at": NOW + timedelta(days=2), "offered_at": NOW}
            paid_by = {"waiting": "rcp-3", "granted": "rcp-6"}.get(state)
            paid = {"receipt_id": paid_by, "paid_on": TODAY - timedelta(days=1)} if paid_by else {}
            decided = {"decided_by": "dana@example.com", "decided_at": NOW} if state in ("granted", "refused") else {}
            self._put(t.discount, organisation_id=self.id, **about, **amounts, **days, **paid, **decided)

    def set_aside(self, why: str, account: str) -> None:
        """A notice that could not be followed."""
        about = {"system": "stripe", "account": account, "event_id": f"evt-{account}", "kind": "processor_payment"}
        self._put(t.inbox, **about, external_id="pi_7", state="aside", problem=why)

    def proposed_link(self, customer_id: str) -> None:
        candidate = {"customer_id": customer_id, "score": 91, "reasons": ["The names are alike."]}
        self._mine(
            t.link_proposal,
            id="lnk-1",
            system="salesforce",
            external_id="001",
            name="Acme Trading",
            facts={},
            candidates=[candidate],
            state="open",
        )

    def reply(self, reply_id: str, words: str, *, customer_id: str | None, **values: object) -> None:
        """A reply by e-mail that holds nothing."""
        row: dict[str, object] = {
            "channel": "email",
            "external_id": reply_id,
            "sender": "joan@example.com",
            "language": "en",
        }
        row |= {"language": "en", "body_text": words, "words": words, "state": "waiting"}
        row |= {"received_at": NOW - timedelta(hours=2)}
        lists = {name: values.pop(name, []) for name in ("candidates", "evidence", "doubts", "documents", "held")}
        self._mine(t.reply, id=reply_id, customer_id=customer_id, **(row | lists | values))

    def answer(self, reply_id: str, customer_id: str, findings: list[str], **values: object) -> None:
        row: dict[str, object] = {"kind": "arrived", "subject": "Your payment: we are checking it"}
        row |= {"body_text": "Dear Bolt,", "customer_id": customer_id, "findings": findings, "state": "prepared"}
        self._mine(t.answer, reply_id=reply_id, **(row | values))

    def asked(self, reply_id: str, text: str, *, customer_id: str, **values: object) -> None:
        """A question of the payer's own page."""
        row: dict[str, object] = {"channel": "portal", "kind": "question"}
        self.reply(reply_id, text, customer_id=customer_id, **(row | values))

    def answered(self, reply_id: str, customer_id: str, text: str, **values: object) -> None:
        """What a person answered to a question."""
        row: dict[str, object] = {
            "kind": "written",
            "written": text,
            "state": "sent",
            "sent_at": NOW,
            "sent_by": "dana",
        }
        self.answer(reply_id, customer_id, [], **(row | {"body_text": f"Dear payer,\n\n{text}"} | values))

    def task(self, kind: str, subject: str, text: str, **values: object) -> None:
        self._mine(t.task, id=f"tsk-{kind}-{subject}", kind=kind, subject=subject, text=text, **values)

    def colleague(self, name: str, *skills: str) -> None:
        with self.app.store.write() as db:
            row = {"organisation_id": self.id, "name": name, "skills": list(skills), "added_at": NOW}
            db.execute(insert(t.colleague).values(row))

    def link(self, system: str, kind: str, local_id: str, external_id: str) -> None:
        which = {"system": system, "kind": kind, "external_id": external_id, "local_id": local_id}
        self._mine(t.link, **which, version="v1", base={})

    def _mine(self, table: Table, **values: object) -> None:
        self._put(table, organisation_id=self.id, **values)

    def _put(self, table: Table, **values: object) -> None:
        with self.app.store.write() as db:
            db.execute(insert(table).values(**{**_plain(table), **values}))


def ledger_accounts(
    app: App, organisation_id: str, names: dict[str, str], *, currency: str | None = "EUR", purpose: str = "bank"
) -> None:
    """Accounts of the ledger for one purpose: name by handle."""
    rows = [
        {
            "id": f"acc-{organisation_id}-{handle}",
            "organisation_id": organisation_id,
            "name": name,
            "handle": handle,
            "purpose": purpose,
            "currency": currency,
        }
        for handle, name in names.items()
    ]
    with app.store.write() as db:
        db.execute(insert(t.account), rows)


def _plain(table: Table) -> dict[str, object]:
    """The plainest value of each column that must have one: a test names only those that it is about."""
    values: dict[type, object] = {
        int: 0,
        str: "",
        bool: False,
        object: NOW,
        date: TODAY,
        dict: {},
        list: [],
        bytes: b"",
    }
    return {
        column.name: values[column.type.python_type]
        for column in table.columns
        if not column.nullable and not column.primary_key and column.server_default is None
    }


@cache
def filled(how: Callable[[App], object]) -> bytes:
    """A database that was filled so, made once a process and then copied."""
    with TemporaryDirectory() as folder:
        with running(Path(folder)) as (app, _):
            how(app)
        return (Path(folder) / "store.sqlite3").read_bytes()


def two_organisations(app: App) -> None:
    """The filled organisation `org-a`, and `org-b` beside it."""
    fill(app)
    other = Books(app, "org-b", "Another Company")
    other.customer("zeta", "Zeta Ltd")
    other.invoice("inv-b", "zeta", late=5, total=1_234)
    other.receipt("rcp-b", 1_234, state="suggested")
    other.proposal("rcp-b", {"inv-b": 1_234}, customer_id="zeta")


def fill(app: App) -> Books:
    """An organisation with something on every page."""
    books = Books(app, "org-a", "Harbour Joinery Ltd")
    books.connection("xero", "ledger")
    books.connection("stripe", "processor", status="broken")
    books.bank(TODAY - timedelta(days=1))
    acme = books.customer("acme", "Acme Trading Ltd")
    bolt = books.customer("bolt", "Bolt & Sons <script>alert(1)</script>")
    books.invoice("inv-1", acme, late=12, total=120_000)
    books.invoice("inv-2", acme, late=45, total=88_050, disputed=True, dispute_reason="Two doors were missing")
    books.dispute_file("dsf-1", "inv-2", "two doors that were missing.jpg", "image/jpeg")
    books.invoice("inv-3", acme, late=-9, total=45_000)
    books.invoice("inv-4", bolt, late=70, total=31_999)
    books.invoice("inv-5", bolt, late=120, total=250_000, balance_minor=200_000)
    books.invoice("inv-6", bolt, late=20, total=9_900, currency="EUR")
    books.invoice("inv-7", acme, late=33, total=66_000)
    books.invoice("inv-8", acme, late=60, total=50_000, status="paid", balance_minor=0)
    books.invoice("inv-9", bolt, late=3, total=70_000, status="draft")
    books.receipt("rcp-1", 31_999, payer_name="BOLT AND SONS", remittance="INV 4 thanks", state="suggested")
    books.proposal(
        "rcp-1",
        {"inv-4": 31_999},
        customer_id=bolt,
        reasons=["It names INV-4.", "319.99 GBP equals the open amount exactly.", "The payer could be Bolt & Sons."],
        runner_up={
            "explanation": "partial",
            "confidence": 0.09,
            "allocations": [{"item_id": "inv-5", "amount": {"minor": 31_999, "currency": "GBP"}, "is_credit": False}],
            "residuals": [],
            "unapplied": {"minor": 0, "currency": "GBP"},
        },
    )
    books.receipt("rcp-2", 777, payer_name="UNKNOWN PERSON", remittance="rent march", state="unidentified")
    books.proposal("rcp-2", {}, reasons=["No open invoice fits."])
    books.receipt("rcp-3", 66_000, payer_name="ACME TRADING", remittance="INV-7", state="applied", customer_id=acme)
    books.allocation("rcp-3", "inv-7", 66_000)
    books.event("inv-7", "payment_applied", "660.00 GBP of 660.00 GBP received on 2026-03-09 (exact)")
    books.receipt("rcp-4", 120_000, source="stripe", method="bacs_debit", status="in_flight", begun_at=NOW)
    books.proposal("rcp-4", {"inv-1": 120_000}, state="in_flight", decision="apply", customer_id=acme)
    books.reminder("rem-1", bolt, "inv-5", state="sent", minor=200_000)
    books.reminder("rem-2", acme, "inv-3", state="planned", minor=45_000)
    books.receipt(
        "rcp-6", 50_000, source="stripe", external_id="pi_6", source_account="acct_1", state="applied", method="card"
    )
    books.allocation("rcp-6", "inv-8", 50_000)
    lines = [["charge", 50_000, 1_470, "pi_6"], ["refund", -2_000, 0, "pi_0"], ["stripe_fee", 0, 200, None]]
    books.payout("po_1", lines, receipt_id="rcp-7")
    books.receipt("rcp-7", 46_330, payer_name="STRIPE", remittance="po_1", state="payout")
    books.payout("po_2", lines, amount_minor=46_331, state="in_transit")
    books.waiting_file("pst-1", UNKNOWN_FILE)
    books.charges(bolt, "inv-8", "inv-7")
    books.discounts(
        acme, offered=("inv-3", 45_000, 900), waiting=("inv-7", 66_000, 1_320), granted=("inv-8", 50_000, 1_000)
    )
    books.conflict("inv-5")
    books.proposed_link(acme)
    books.certificate("inv-5", certificate_body())
    books.event("inv-5", "reminder_sent", "level 1 by e-mail", actor="reminders")
    _fill_replies(books, acme, bolt)
    books.problem("not_posted", "rcp-3", "A payment is matched but not posted.", "Name its account in the settings.")
    return books


def _fill_replies(books: Books, acme: str, bolt: str) -> None:
    """What payers wrote, and the tasks and colleagues that come of it."""
    promise = "Hello, we will pay this on Friday.\nOnly the other one is wrong."
    marked = [["promise", 10, 18, True], ["dispute", 57, 62, False]]
    books.reply("rpl_1", promise, customer_id=acme, kind="promise", evidence=marked, doubts=["“only” may turn it."])
    books.reply(
        "rpl_2", "Unsubscribe me", customer_id=None, candidates=[acme, bolt], kind="opt_out", documents=["inv-5"]
    )
    settled = {
        "state": "settled",
        "settled_kind": "question",
        "settled_by": "owner",
        "outcome": "Answered by a person.",
    }
    books.reply("rpl_3", "What <b>is</b> this?", customer_id=bolt, kind="question", documents=["inv-5"], **settled)
    books.task("read_reply", "rpl_1", "joan@example.com wrote: Hello", customer_id=acme, owner="Dana Fenwick")
    books.task("dispute", "inv-2", "The customer contests INV-2", customer_id=acme, due_on=TODAY - timedelta(days=3))
    books.answer("rpl_3", bolt, ["100.00 GBP received on 2026-03-03 from BOLT, theirs, suggested."])
    books.colleague("Dana Fenwick", "read_reply", "answer")
    books.colleague("Sam Lee")


def certificate_body() -> dict[str, Any]:
    """A certificate's content in the shape of reminders.certificate."""
    codes = ("settled", "in_flight", "probably_paid", "credit_available", "disputed", "promised", "contact", "stale")
    read = {"system": "xero", "subject": "document 7f3a", "version": "v12", "read_at": NOW.isoformat()}
    return {
        "format": 1,
        "organisation": "org-a",
        "item_id": "inv-5",
        "as_of": (NOW - timedelta(days=2)).isoformat(),
        "policy": "standard",
        "policy_version": 1,
        "verdict": "remind",
        "level": 1,
        "amount_due": {"amount": "2000.00", "currency": "GBP"},
        "evidence": {"contact": {"address": "bolt@example.com"}, "versions": [read]},
        "checks": [
            {"code": code, "outcome": "clear", "finding": f"Nothing speaks for {code}.", "until": None}
            for code in codes
        ],
        "planning": None,
        "previous": None,
    }
