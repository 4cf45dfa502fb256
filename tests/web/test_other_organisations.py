"""An owner who puts another organisation's ids into every address gets nothing and changes nothing there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import select

from runtime.portal_links import PortalLinks
from runtime.roles import MemberRole
from runtime.store import tables as t
from runtime.web.access import Door
from tests import postgres
from tests.store.build import OWNED, fill_every_table
from tests.web.access_ids import IDS
from tests.web.people import PublicSite, public_site

THEIRS = "org-z"
SECRET = "a secret of theirs"
_TABLES = {
    "document_id": "document",
    "receipt_id": "receipt",
    "debit_id": "debit",
    "conflict_id": "conflict",
    "proposal_id": "link_proposal",
    "reminder_id": "reminder",
    "person_id": "person",
    "customer_id": "customer",
    "digest": "certificate",
    "reply_id": "reply",
    "task_id": "task",
    "pending_id": "pending_statement",
    "columns_id": "statement_columns",
    "charge_id": "charge",
    "file_id": "dispute_file",
    "plan_id": "payment_plan",
}
_ONE_OF_THEIRS = re.compile(
    r"{(document|receipt|debit|conflict|proposal|reminder|customer|row|reply|task|pending|columns|charge|plan|file)_id}"
)
_AS_PAGES_KNOW_THEM = {"kind": "invoice", "status": "open", "currency": "GBP", "state": "suggested"}
# What a form of ours may ask for: each takes what it knows.
_FORM = {
    "sending": "off", "thanks": "off", "cards": "off", "on": "off", "minor": "1", "currency": "GBP", "field": "due_on",
    "customer": f"customer-{THEIRS}", "owner": "ledger", "handle": "090", "proof": "attested", "attested_by": "A",
    "kind": "discount", "account": "1", "step": "set", "language": "en", "tone": "friendly", "role": "viewer",
    "email": f"person@{THEIRS}.example", "text": "words", "charges": "off", "approvals": "off", "digest": "x",
    "statements": "off",
    "most": "0", "count": "2", "first_on": "2026-03-12", "consent": "They agreed.",
    "business": "yes", "since": "2026-01-01",
    "until": "2026-01-01", "interest": "1", "fixed": "1",
}  # fmt: skip


def _theirs(name: str) -> str:
    if name == "row_id":
        return "1"  # the first rows of the queues are theirs
    return f"{_TABLES[name]}-{THEIRS}" if name in _TABLES else IDS.get(name, THEIRS)


def _rows(site: PublicSite) -> dict[str, list[str]]:
    with site.app.store.read() as db:
        return {
            table.name: sorted(map(str, db.execute(select(table).where(table.c.organisation_id == THEIRS))))
            for table in OWNED
        } | {"organisation": [str(db.execute(select(t.organisation).where(t.organisation.c.id == THEIRS)).one())]}


def _every_address_is_tried(site: PublicSite) -> None:
    with site.app.store.write() as db:
        db.execute(
            t.organisation.insert().values(
                id=THEIRS, name=SECRET, base_currency="GBP", time_zone="UTC", country="GB", created_at=site.time()
            )
        )
        fill_every_table(db, THEIRS, said=SECRET)
        for table in (t.document, t.receipt, t.debit):  # as the pages know them, so that they would show them
            known = {name: value for name, value in _AS_PAGES_KNOW_THEM.items() if name in table.columns}
            db.execute(table.update().where(table.c.organisation_id == THEIRS).values(**known))
    mine = site.browser("mine", org_a=MemberRole.OWNER)
    before = _rows(site)
    assert all(before.values()), "they have a row in every table"
    for method, path, needs in site.routes:
        if needs.door is not Door.MEMBER or path == "/connect/{system}":
            continue
        swapped = re.sub(r"{(\w+)}", lambda name: "org-a" if name[1] == "organisation_id" else _theirs(name[1]), path)
        answer = mine.post(swapped, _FORM) if method == "POST" else mine.get(swapped)
        assert answer.status_code < 500, (method, path)
        assert SECRET not in answer.text, (method, path)
        if method == "POST" and _ONE_OF_THEIRS.search(path):
            assert answer.status_code in (400, 404, 409), (method, path, answer.status_code)
        if method == "GET":
            own = re.sub(r"{(\w+)}", lambda name: IDS.get(name[1], "nothing"), path)
            assert SECRET not in mine.get(own).text, path
    assert _rows(site) == before


@pytest.fixture
def plain(postgres_server: postgres.Server, tmp_path: Path) -> Iterator[PublicSite]:
    with ExitStack() as stack:
        url = postgres_server.plain_url(stack.enter_context(postgres_server.plain_database()))
        yield stack.enter_context(public_site(tmp_path, database_url=url))


def test_nothing_of_others_is_seen_or_changed(tmp_path: Path) -> None:
    with public_site(tmp_path) as site:
        _every_address_is_tried(site)


@pytest.mark.long
def test_nothing_of_others_is_seen_or_changed_where_the_database_holds_to_it_too(plain: PublicSite) -> None:
    _every_address_is_tried(plain)
    for method, path, needs in plain.routes:
        if needs.door is Door.MEMBER and method == "GET":
            own = re.sub(r"{(\w+)}", lambda name: IDS.get(name[1], "nothing"), path)
            answer = plain.browser("mine").get(own)
            assert answer.status_code in (200, 303, 400, 404), (path, answer.status_code)
    assert "Harbour Joinery" in plain.browser("mine").get("/o/org-a").text
    payer = PortalLinks(plain.app.settings.encryption_key(), plain.time).link("org-a", "acme")
    assert "INV-1" in plain.http.get(f"/p/{payer}").text
    assert plain.http.post(f"/p/{payer}/promise/inv-3", data={"promised_on": "2026-03-20"}).status_code == 303
