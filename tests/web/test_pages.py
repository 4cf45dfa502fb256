"""The staff pages over plain HTTP: what they show, what they refuse, and whose data they never show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from runtime.operations.reminding import figures
from runtime.operations.views import invoices
from runtime.portal_links import PortalLinks
from runtime.store import tables as t
from runtime.web.guards import MAX_FORM_BYTES, MAX_STATEMENT_BYTES
from tests.http_client import client_of
from tests.web.build import Books, fill, running
from tests.web.conftest import Site
from tests.web.serving import serving

STAFF_PATHS = (
    "",
    "/invoices",
    "/invoices/inv-1",
    "/review",
    "/receipts",
    "/receipts/rcp-1/choose",
    "/problems",
    "/statements",
    "/connections",
    "/settings",
    "/charges",
    "/discounts",
    "/approvals",
    "/plans",
    "/policies",
    "/messages",
    "/conflicts",
    "/links",
    "/owners",
    "/history",
    "/customers",
    "/customers?sort=name",
)


@pytest.mark.parametrize("path", STAFF_PATHS)
def test_each_page_answers_with_its_careful_headers(site: Site, path: str) -> None:
    answer = site.http.get(f"/o/org-a{path}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-cache, no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<script>alert" not in answer.text  # a customer of the sample is called that


@pytest.mark.parametrize("path", STAFF_PATHS)
def test_an_unknown_organisation_is_not_found(site: Site, path: str) -> None:
    assert site.http.get(f"/o/nobody{path}").status_code == 404


def test_home_lists_the_organisations(site: Site) -> None:
    text = site.http.get("/").text
    assert "Harbour Joinery Ltd" in text
    assert "Another Company" in text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/o/org-a/invoices/inv-b"),
        ("GET", "/o/org-b/invoices/inv-1"),
        ("POST", "/o/org-a/review/rcp-b/confirm"),
        ("POST", "/o/org-a/review/rcp-b/reject"),
        ("POST", "/o/org-a/receipts/rcp-b/undo"),
        ("GET", "/o/org-a/receipts/rcp-b/choose"),
        ("POST", "/o/org-a/receipts/rcp-b/choose"),
        ("POST", "/o/org-b/receipts/rcp-3/undo"),
        ("POST", "/o/org-b/invoices/inv-2/settle-dispute"),
        ("POST", "/o/org-b/invoices/inv-2/settle-question"),
    ],
)
def test_what_belongs_to_another_organisation_is_not_found(site: Site, method: str, path: str) -> None:
    before = _counts(site)
    assert site.http.request(method, path).status_code == 404
    assert _counts(site) == before


def test_lists_show_only_their_own_organisation(site: Site) -> None:
    for path in ("", "/invoices?state=all", "/review", "/receipts", "/customers", "/customers?sort=name"):
        text = site.http.get(f"/o/org-b{path}").text.lower()
        assert not [word for word in ("acme", "bolt", "inv-1", "inv-4", "inv-7", "rent march") if word in text], path
    assert "INV-B" in site.http.get("/o/org-b/invoices").text


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("state=open", {"INV-1", "INV-7"}, {"INV-8", "INV-9"}),
        ("state=due", {"INV-5", "INV-6"}, {"INV-1", "INV-2", "INV-3", "INV-4", "INV-7"}),
        ("state=held", {"INV-1", "INV-2", "INV-4"}, {"INV-5", "INV-3"}),
        ("state=overdue", {"INV-1", "INV-2", "INV-4", "INV-5", "INV-6"}, {"INV-3", "INV-7"}),
        ("state=overdue&hold=disputed", {"INV-2"}, {"INV-1", "INV-4", "INV-5"}),
        ("state=overdue&hold=in_flight", {"INV-1"}, {"INV-2", "INV-5"}),
        ("state=overdue&hold=probably_paid", {"INV-4"}, {"INV-2", "INV-5"}),
        ("state=paid", {"INV-8"}, {"INV-1", "INV-9"}),
        ("state=draft", {"INV-9"}, {"INV-1", "INV-8"}),
        ("state=all&q=acme", {"INV-1", "INV-8"}, {"INV-4", "INV-5"}),
        ("state=all&q=inv-4", {"INV-4"}, {"INV-1"}),
        ("state=all&q=%25", set(), {"INV-1"}),
    ],
)
def test_the_filters_of_the_invoice_list(site: Site, query: str, shown: set[str], hidden: set[str]) -> None:
    text = site.http.get(f"/o/org-a/invoices?{query}").text
    assert {number for number in shown | hidden if f">{number}<" in text} == shown


def test_invoices_of_which_every_reminder_was_sent_are_a_list(site: Site) -> None:
    listed = "/o/org-a/invoices?state=reminded"
    assert ">INV-5<" not in site.http.get(listed).text, "one level of four"
    with site.app.store.write() as db:
        db.execute(t.reminder_item.update().where(t.reminder_item.c.reminder_id == "rem-1").values(level=4))
    shown = site.http.get(listed).text
    assert [number for number in range(1, 10) if f">INV-{number}<" in shown] == [5]
    assert '<span class="mark">All reminders sent</span>' in shown
    assert "a person decides what follows" in site.http.get("/o/org-a/invoices/inv-5").text
    assert "a person decides what follows" not in site.http.get("/o/org-a/invoices/inv-6").text


def test_the_overview_counts_what_the_lists_show(site: Site) -> None:
    text = site.http.get("/o/org-a").text
    assert "£2,000.00" in text  # truly due: INV-5
    assert "£2,400.49" in text  # held: INV-1, INV-2, INV-4
    assert "Open invoices in GBP: £4,850.49" in text
    assert "A payment is on its way" in text


def test_long_lists_come_in_pages(site: Site) -> None:
    books = Books(site.app, "org-c", "Many")
    books.customer("many", "Many Ltd")
    for number in range(101):
        books.invoice(f"m-{number:03}", "many", late=10, total=100 + number)
    pages = [site.http.get(f"/o/org-c/invoices?state=due&page={page}").text for page in (1, 2, 3, 4)]
    found = [sum(f">M-{number:03}<" in text for number in range(101)) for text in pages]
    assert found == [50, 50, 1, 0]
    assert "Page 2 of 3" in pages[1]


@pytest.mark.parametrize(
    "path",
    [
        "/o/org-a/invoices?page=0",
        "/o/org-a/invoices?page=x",
        "/o/org-a/invoices?page=99999999999",
        "/o/org-a/invoices?state=everything",
        "/o/org-a/invoices?hold=nothing",
        "/o/org-a/invoices?q=" + "x" * 101,
        "/o/org-a/invoices?q=%00",
        "/o/org-a/ageing.svg",
    ],
)
def test_a_bad_question_is_answered_in_one_line(site: Site, path: str) -> None:
    answer = site.http.get(path)
    assert answer.status_code == 400
    assert "Traceback" not in answer.text


def test_the_chart_has_its_own_policy_and_no_script(site: Site) -> None:
    answer = site.http.get("/o/org-a/ageing.svg?currency=GBP")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "style-src 'unsafe-inline'" in answer.headers["content-security-policy"]
    assert "script-src" not in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    assert "£2,000.00" in answer.text
    assert site.http.get("/o/org-a/ageing.svg?currency=JPY").status_code == 404


def test_confirm_applies_once_and_says_so_the_second_time(site: Site) -> None:
    first = site.http.post("/o/org-a/review/rcp-1/confirm")
    assert (first.status_code, first.headers["location"]) == (303, "/o/org-a/review?last=rcp-1&notice=confirmed")
    assert _state(site, "rcp-1") == "applied"
    second = site.http.post("/o/org-a/review/rcp-1/confirm")
    assert second.status_code == 409
    assert "decided already" in second.text


def test_reject_frees_the_invoices(site: Site) -> None:
    assert site.http.post("/o/org-a/review/rcp-1/reject").status_code == 303
    assert _state(site, "rcp-1") == "unidentified"
    assert ">INV-4<" in site.http.get("/o/org-a/invoices?state=due").text


def test_undo_opens_the_invoice_again(site: Site) -> None:
    assert site.http.post("/o/org-a/receipts/rcp-3/undo").status_code == 303
    assert _state(site, "rcp-3") == "unidentified"
    assert site.http.post("/o/org-a/receipts/rcp-3/undo").status_code == 409


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://attacker.example"},
        {"Origin": "null"},
    ],
)
def test_a_form_of_another_site_is_refused(site: Site, headers: dict[str, str]) -> None:
    answer = site.http.post("/o/org-a/review/rcp-1/confirm", headers=headers)
    assert answer.status_code == 403
    assert _state(site, "rcp-1") == "suggested"


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin", "Origin": "null"}, {"Origin": "OWN"}, {}])
def test_our_own_form_is_taken(site: Site, headers: dict[str, str]) -> None:
    own = {name: site.address if value == "OWN" else value for name, value in headers.items()}
    assert site.http.post("/o/org-a/review/rcp-1/confirm", headers=own).status_code == 303


@pytest.mark.parametrize("host", ["attacker.example", "127.0.0.1.attacker.example", "", "10.0.0.1:8000", "[::]"])
def test_an_unknown_host_is_refused(site: Site, host: str) -> None:
    for path in ("/o/org-a", "/healthz", "/webhooks/xero"):
        assert site.http.get(path, headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:9999", "[::1]:8000"])
def test_loopback_is_served(site: Site, host: str) -> None:
    assert site.http.get("/o/org-a", headers={"Host": host}).status_code == 200


def test_the_public_host_reaches_payers_and_vendors_and_asks_everybody_else_to_sign_in(tmp_path: Path) -> None:
    with running(tmp_path, public_url="https://pay.harbour.example") as (app, time):
        fill(app)
        token = PortalLinks(app.settings.encryption_key(), time).link("org-a", "acme")
        with serving(app) as address, client_of(address, headers={"Host": "pay.harbour.example"}) as http:
            for path in (f"/p/{token}", f"/p/{token}/pay/inv-3", "/healthz", "/readyz", "/static/style.css"):
                assert http.get(path).status_code == 200, path
            assert http.post("/webhooks/xero", content=b"{}").status_code == 401
            assert http.get("/connect/xero/callback").status_code == 400
            for path in (
                "/",
                "/o/org-a",
                "/o/org-a/invoices",
                "/o/org-a/settings",
                "/organisations/new",
                "/connect/xero",
            ):
                answer = http.get(path)
                assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?back={path}"), path
            for path in ("/metrics", "/openapi.json", "/unclaimed"):
                assert http.get(path).status_code == 403, path
            assert http.post("/o/org-a/review/rcp-1/confirm").status_code == 401


def test_a_statement_file_is_taken_once(site: Site) -> None:
    file = b"date,amount,currency,counterparty,remittance\n2026-03-09,12.50,GBP,SOMEBODY,hello\n"
    for added in (1, 0):
        answer = site.http.post("/o/org-a/statements", files={"file": ("march.csv", file)})
        assert answer.status_code == 200, answer.text
        assert f"march.csv: 1 line, {added} new receipt" in answer.text


@pytest.mark.parametrize("content", [b"\x00\x01garbage", b"", b"<Document/>"])
def test_a_file_that_is_no_statement_changes_nothing(site: Site, content: bytes) -> None:
    before = _counts(site)
    answer = site.http.post("/o/org-a/statements", files={"file": ("x.xml", content)})
    assert answer.status_code == 400
    assert "Nothing was changed" in answer.text
    assert _counts(site) == before


def test_a_statement_without_a_file_is_refused(site: Site) -> None:
    assert site.http.post("/o/org-a/statements", data={"file": "text"}).status_code == 400
    assert site.http.post("/o/org-a/statements").status_code == 400


def test_bodies_are_bounded_also_without_a_length(site: Site) -> None:
    for path in ("/o/org-a/statements", "/o/org-a/review/rcp-1/confirm"):
        assert site.http.post(path, content=b"x" * (MAX_STATEMENT_BYTES + 1)).status_code == 413

    def chunks() -> Iterator[bytes]:
        yield b"question="
        yield from [b"x" * 1_024] * (MAX_FORM_BYTES // 1_024)

    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = site.http.post(f"/p/{site.token()}/ask/inv-3", content=chunks(), headers=kind)
    assert answer.status_code == 413


def test_connect_leads_to_the_vendor(site: Site) -> None:
    answer = site.http.get("/connect/xero?organisation=org-a")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("https://login.xero.com/")
    assert site.http.get("/connect/xero?organisation=nobody").status_code == 404
    assert site.http.get("/connect/sage?organisation=org-a").status_code == 404
    unset = site.http.get("/connect/quickbooks?organisation=org-a")
    assert unset.status_code == 400
    assert "TRUEDUE_QUICKBOOKS_CLIENT_ID" in unset.text


def test_a_callback_without_a_known_state_is_refused(site: Site) -> None:
    answer = site.http.get("/connect/xero/callback?state=unknown&code=1")
    assert answer.status_code == 400
    assert "start again" in answer.text


def _state(site: Site, receipt_id: str) -> str:
    with site.app.store.read() as db:
        return str(db.scalar(select(t.receipt.c.state).where(t.receipt.c.id == receipt_id)))


def _counts(site: Site) -> dict[str, object]:
    with site.app.store.read() as db:
        counted = {
            table.name: db.scalar(select(func.count()).select_from(table))
            for table in (t.receipt, t.allocation, t.event, t.outbox, t.statement)
        }
        return counted | {row.id: row.state for row in db.execute(select(t.receipt.c.id, t.receipt.c.state))}


def test_a_list_counts_and_weighs_no_more_than_it_says(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    every = site.http.get("/o/org-a/invoices?state=all").text
    assert "and more" not in every
    monkeypatch.setattr(invoices, "MAX_COUNTED", 3)
    assert "3 invoices and more: search for a number" in site.http.get("/o/org-a/invoices?state=all").text
    monkeypatch.setattr(invoices, "MAX_WEIGHED", 1)
    held = site.http.get("/o/org-a/invoices?state=overdue").text
    assert "1 invoice and more: these are of the 1 oldest overdue ones" in held
    assert site.http.get("/o/org-a/invoices?page=201").status_code == 400


def test_the_overview_says_when_many_were_counted(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "were counted" not in site.http.get("/o/org-a").text
    monkeypatch.setattr(figures, "COUNTED_WHEN_ASKED", 2)
    first = site.http.get("/o/org-a").text
    assert "being counted for the first time" in first and "Nothing is open." not in first
    figures.count_figures(site.app, "org-a")
    assert "The sums of the open invoices were counted 10 Mar 2026" in site.http.get("/o/org-a").text
    assert site.http.get("/o/org-a/ageing.svg?currency=GBP").status_code == 200


@pytest.mark.parametrize("path", ["/unclaimed/mails/{}", "/unclaimed/{}/replay", "/o/org-a/problems/outbox/{}/replay"])
def test_a_number_beyond_what_a_database_counts_is_bad_input(site: Site, path: str) -> None:
    assert site.http.post(path.format(2**63), data={"organisation": "org-a"}).status_code == 400
    assert site.http.post(path.format(2**63 - 1), data={"organisation": "org-a"}).status_code in (404, 409)
