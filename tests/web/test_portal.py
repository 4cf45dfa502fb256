"""The payer's pages: the link is the authority, for one customer, for some time."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from runtime.operations.payers.dispute import MAX_REASON_CHARS
from runtime.operations.payers.promise import MAX_DAYS_AHEAD, MAX_PROMISES
from runtime.operations.payers.question import ANSWERED_WITHIN, MAX_HOLDING, MAX_QUESTION_CHARS
from runtime.operations.payers.question import PROBLEM as QUESTION
from runtime.operations.payers.short_links import portal_token, short_link
from runtime.operations.reminding.compose import portal_links
from runtime.portal_links import LIFETIME_DAYS, PortalLinks
from runtime.signed_tokens import LinkError
from runtime.store import tables as t
from tests.web.build import TODAY, Books
from tests.web.conftest import Site

KEY = bytes(range(32))
AT = datetime(2026, 3, 10, tzinfo=UTC)
IDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(IDS, IDS)
def test_a_link_names_exactly_whom_it_was_made_for(organisation: str, customer: str) -> None:
    links = PortalLinks(KEY, lambda: AT)
    assert links.read(links.link(organisation, customer)) == (organisation, customer, AT)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_link_opens_nothing(place: int, change: int) -> None:
    links = PortalLinks(KEY, lambda: AT)
    raw = bytearray(base64.urlsafe_b64decode(links.link("org-a", "acme-and-co.") + "=="))
    raw[place % len(raw)] ^= change
    with pytest.raises(LinkError):
        links.read(base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("="))


@given(st.text(max_size=500))
def test_any_text_is_refused_as_a_link(text: str) -> None:
    with pytest.raises(LinkError):
        PortalLinks(KEY, lambda: AT).read(text)


def test_a_link_ends(site: Site) -> None:
    token = site.token()
    site.time.now += timedelta(days=LIFETIME_DAYS) - timedelta(seconds=1)
    assert site.http.get(f"/p/{token}").status_code == 200
    site.time.now += timedelta(seconds=1)
    answer = site.http.get(f"/p/{token}/paid")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/new-link/{token}")
    answer = site.http.post(f"/p/{token}/ask/inv-3", data={"question": "why"})
    assert answer.status_code == 404, "what was sent with it is not taken"
    assert "new link" in answer.text


def test_a_link_of_another_key_opens_nothing() -> None:
    with pytest.raises(LinkError):
        PortalLinks(KEY, lambda: AT).read(PortalLinks(b"k" * 32, lambda: AT).link("org-a", "acme"))


def test_links_that_a_person_ends_open_nothing_and_later_ones_do(site: Site) -> None:
    token, other = site.token(), site.token("bolt")
    site.time.now += timedelta(seconds=1)
    answer = site.http.post("/o/org-a/customers/acme/end-links")
    assert answer.status_code == 303
    assert site.http.get(f"/p/{token}").status_code == 404
    assert site.http.post(f"/p/{token}/ask/inv-3", data={"question": "why"}).status_code == 404
    assert site.http.get(f"/p/{other}").status_code == 200
    site.time.now += timedelta(seconds=1)
    assert site.http.get(f"/p/{site.token()}").status_code == 200


def test_links_to_a_customer_that_became_another_end_with_that_ones(site: Site) -> None:
    merged = site.token("bolt")
    with site.app.store.write() as db:
        db.execute(update(t.customer).where(t.customer.c.id == "bolt").values(merged_into="acme"))
    assert "Acme Trading Ltd" in site.http.get(f"/p/{merged}").text
    site.time.now += timedelta(seconds=1)
    site.http.post("/o/org-a/customers/acme/end-links")
    assert site.http.get(f"/p/{merged}").status_code == 404


def test_a_short_address_ends_with_the_links_of_its_time(site: Site) -> None:
    with site.app.store.write() as db:
        address = short_link(site.app, db, organisation_id="org-a", customer_id="acme", reminder_id="rem-x")
    code = address.rsplit("/", 1)[1]
    site.time.now += timedelta(seconds=1)
    site.http.post("/o/org-a/customers/acme/end-links")
    site.time.now += timedelta(seconds=1)
    assert site.http.get(f"/p/{portal_token(site.app, code)}").status_code == 404


def test_the_links_of_a_message_open_the_page(site: Site) -> None:
    links = portal_links(site.app, "org-a", "acme")
    for address in {links.pay, links.portal, links.dispute, links.promise, links.question, links.unsubscribe}:
        assert address.startswith(site.app.settings.public_url)
        answer = site.http.get(address.removeprefix(site.app.settings.public_url))
        assert answer.status_code == 200, address
        assert "Acme Trading Ltd" in answer.text


def test_the_page_shows_this_customer_only(site: Site) -> None:
    text = site.http.get(f"/p/{site.token()}").text
    assert "INV-1" in text
    assert "Your payment of £1,200.00 is on its way" in text
    assert "£1,330.50" in text  # 2,530.50 open, less what is on its way
    for foreign in ("INV-4", "INV-5", "Bolt", "INV-8", "INV-7<"):
        assert foreign not in text
    other = site.http.get(f"/p/{site.token('bolt')}").text
    assert "INV-5" in other
    assert "We may have your payment" in other
    assert "1,200.00" not in other


def _in_flight(site: Site, minor: int) -> None:
    """Let the debit for INV-1, of which 1,200.00 are open, be of another amount."""
    books = Books.of(site.app, "org-a")
    with site.app.store.write() as db:
        db.execute(delete(t.proposal).where(t.proposal.c.receipt_id == "rcp-4"))
        db.execute(update(t.receipt).where(t.receipt.c.id == "rcp-4").values(amount_minor=minor))
    books.proposal("rcp-4", {"inv-1": minor}, state="in_flight", decision="apply", customer_id="acme")


def test_what_is_on_its_way_in_part_leaves_the_rest_to_pay(site: Site) -> None:
    _in_flight(site, 20_000)
    page = f"/p/{site.token()}"
    account = site.http.get(page).text
    assert "Your payment of £200.00 is on its way" in account
    assert "£2,530.50 open, less £200.00 on its way" in account
    assert "£2,330.50" in account
    assert "£200.00 on its way, £1,000.00 still open" in account
    invoice = site.http.get(f"{page}/pay/inv-1").text
    assert "£200.00 on its way, £1,000.00 still open" in invoice
    assert "<strong>£1,000.00</strong>" in invoice, "so much is left to transfer"
    assert "do not pay it twice" not in invoice
    assert (
        "200,00\xa0£ unterwegs, 1.000,00\xa0£ noch offen" in site.http.get(page, headers={"Accept-Language": "de"}).text
    )
    staff = site.http.get("/o/org-a/customers/acme").text
    assert "£1,880.50 overdue, £200.00 on its way" in staff


@pytest.mark.parametrize("minor", [120_000, 120_001])
def test_no_more_is_on_its_way_than_is_open(site: Site, minor: int) -> None:
    _in_flight(site, minor)
    account = site.http.get(f"/p/{site.token()}").text
    assert "£2,530.50 open, less £1,200.00 on its way" in account
    assert "Your payment is on its way" in account and "still open" not in account
    assert "do not pay it twice" in site.http.get(f"/p/{site.token()}/pay/inv-1").text


def test_a_link_of_a_customer_of_another_organisation_opens_nothing(site: Site) -> None:
    assert site.http.get(f"/p/{site.token('zeta', 'org-a')}").status_code == 404
    assert site.http.get(f"/p/{site.token('acme', 'org-b')}").status_code == 404
    assert site.http.get(f"/p/{site.token('zeta', 'org-b')}").status_code == 200


@pytest.mark.parametrize("document", ["inv-4", "inv-8", "inv-b", "nothing"])
@pytest.mark.parametrize("action", ["pay", "promise", "dispute", "ask"])
def test_an_invoice_that_is_not_open_and_theirs_is_not_found(site: Site, action: str, document: str) -> None:
    path = f"/p/{site.token()}/{action}/{document}"
    if action == "pay":
        assert site.http.get(path).status_code == 404
    else:
        form = {"promised_on": TODAY.isoformat(), "reason": "wrong", "question": "why"}
        assert site.http.post(path, data=form).status_code == 404


def test_how_to_pay_names_the_exact_amount_and_reference(site: Site) -> None:
    text = site.http.get(f"/p/{site.token()}/pay/inv-3").text
    assert "£450.00" in text
    assert "INV-3" in text


@pytest.mark.parametrize(("days", "status"), [(0, 303), (MAX_DAYS_AHEAD, 303), (-1, 400), (MAX_DAYS_AHEAD + 1, 400)])
def test_a_promise_is_bounded(site: Site, days: int, status: int) -> None:
    day = TODAY + timedelta(days=days)
    answer = site.http.post(f"/p/{site.token()}/promise/inv-3", data={"promised_on": day.isoformat()})
    assert answer.status_code == status
    assert _document(site, "inv-3").promised_on == (day if status == 303 else None)


@pytest.mark.parametrize(
    ("part", "status", "leaves"), [("150,50", 303, 29_950), ("450", 303, None), ("much", 400, None)]
)
def test_a_promise_may_be_for_a_part(site: Site, part: str, status: int, leaves: int | None) -> None:
    token = site.token()
    answer = site.http.post(f"/p/{token}/promise/inv-3", data={"promised_on": "2026-03-20", "part": part})
    assert answer.status_code == status
    assert _document(site, "inv-3").promise_leaves_minor == leaves
    assert ("You will pay £150.50 by" in site.http.get(f"/p/{token}").text) is (leaves is not None)


def test_a_promise_withdraws_reminders_and_reaches_the_crm(site: Site) -> None:
    site.time.now += timedelta(hours=1)
    site.http.post(f"/p/{site.token()}/promise/inv-3", data={"promised_on": "2026-03-20"})
    assert _document(site, "inv-3").changed_at == site.time.now
    with site.app.store.read() as db:
        assert db.scalar(select(t.reminder.c.state).where(t.reminder.c.id == "rem-2")) == "withdrawn"
        actions = db.scalars(select(t.event.c.action).where(t.event.c.subject == "inv-3")).all()
    assert actions == ["promised", "reminder_withdrawn"]


@pytest.mark.parametrize("text", ["", "soon", "2026-02-30", "20260320x", "2026-03-20T00:00"])
def test_a_day_that_is_none_is_refused(site: Site, text: str) -> None:
    assert site.http.post(f"/p/{site.token()}/promise/inv-3", data={"promised_on": text}).status_code == 400
    assert site.http.post(f"/p/{site.token()}/promise/inv-3").status_code == 400
    assert _document(site, "inv-3").promised_on is None


def test_promises_do_not_put_reminders_off_for_ever(site: Site) -> None:
    answers = [
        site.http.post(f"/p/{site.token()}/promise/inv-3", data={"promised_on": "2026-03-20"}).status_code
        for _ in range(MAX_PROMISES + 1)
    ]
    assert answers == [303] * MAX_PROMISES + [409]


@pytest.mark.parametrize(
    ("reason", "status"),
    [("x", 303), ("x" * MAX_REASON_CHARS, 303), ("x" * (MAX_REASON_CHARS + 1), 400), ("  \r\n ", 400), ("\0", 400)],
)
def test_a_dispute_is_bounded(site: Site, reason: str, status: int) -> None:
    answer = site.http.post(f"/p/{site.token()}/dispute/inv-3", data={"reason": reason})
    assert answer.status_code == status
    assert _document(site, "inv-3").disputed is (status == 303)


def test_a_dispute_holds_until_a_person_settles_it(site: Site) -> None:
    with site.app.store.write() as db:
        db.execute(update(t.document).where(t.document.c.id == "inv-3").values(due_on=TODAY - timedelta(days=5)))
    due = "/o/org-a/invoices?state=due"
    assert ">INV-3<" in site.http.get(due).text
    assert site.http.post(f"/p/{site.token()}/dispute/inv-3", data={"reason": "A door is missing"}).status_code == 303
    assert ">INV-3<" not in site.http.get(due).text
    assert "A door is missing" in site.http.get("/o/org-a/problems").text
    again = site.http.post(f"/p/{site.token()}/dispute/inv-3", data={"reason": "again"})
    assert again.status_code == 409
    assert site.http.post("/o/org-a/invoices/inv-3/settle-dispute").status_code == 303
    assert ">INV-3<" in site.http.get(due).text
    assert "A door is missing" not in site.http.get("/o/org-a/problems").text
    assert site.http.post("/o/org-a/invoices/inv-3/settle-dispute").status_code == 409


@pytest.mark.parametrize(
    ("question", "status"), [("", 400), ("\x00\n", 400), ("?" * MAX_QUESTION_CHARS, 303), ("?" * 1_001, 400)]
)
def test_a_question_is_bounded(site: Site, question: str, status: int) -> None:
    answer = site.http.post(f"/p/{site.token()}/ask/inv-3", data={"question": question})
    assert answer.status_code == status
    assert (QUESTION in _problems(site)) is (status == 303)


def test_a_question_holds_until_it_is_answered(site: Site) -> None:
    _is_late(site, "inv-3")
    asked = f"/p/{site.token()}/ask/inv-3"
    assert site.http.post(asked, data={"question": "Which order was this?"}).status_code == 303
    assert not _is_due(site, "inv-3")
    assert "You asked us" in site.http.get(f"/p/{site.token()}/pay/inv-3").text
    assert "Which order was this?" in site.http.get("/o/org-a/problems").text
    assert site.http.post(asked, data={"question": "Hello?"}).status_code == 409
    assert site.http.post("/o/org-a/invoices/inv-3/answered").status_code == 303
    assert _is_due(site, "inv-3")
    assert "Which order was this?" not in site.http.get("/o/org-a/problems").text
    assert site.http.post("/o/org-a/invoices/inv-3/answered").status_code == 409


def test_a_question_that_nobody_answers_holds_for_a_week_and_stays_a_problem(site: Site) -> None:
    _is_late(site, "inv-3")
    site.http.post(f"/p/{site.token()}/ask/inv-3", data={"question": "Which order was this?"})
    site.time.now += ANSWERED_WITHIN - timedelta(seconds=1)
    assert not _is_due(site, "inv-3")
    site.time.now += timedelta(seconds=1)
    assert _is_due(site, "inv-3")
    assert QUESTION in _problems(site)


def test_asking_again_and_again_puts_no_reminder_off(site: Site) -> None:
    _is_late(site, "inv-3")
    for _ in range(MAX_HOLDING):
        site.http.post(f"/p/{site.token()}/ask/inv-3", data={"question": "And now?"})
        assert not _is_due(site, "inv-3")
        site.http.post("/o/org-a/invoices/inv-3/answered")
    site.http.post(f"/p/{site.token()}/ask/inv-3", data={"question": "And now?"})
    assert _is_due(site, "inv-3")
    assert QUESTION in _problems(site)


def _is_late(site: Site, document_id: str) -> None:
    with site.app.store.write() as db:
        db.execute(update(t.document).where(t.document.c.id == document_id).values(due_on=TODAY - timedelta(days=5)))


def _is_due(site: Site, document_id: str) -> bool:
    return f">{document_id.upper()}<" in site.http.get("/o/org-a/invoices?state=due").text


def _problems(site: Site) -> list[str]:
    with site.app.store.read() as db:
        waiting = select(t.problem.c.code).where(t.problem.c.subject == "inv-3", t.problem.c.resolved_at.is_(None))
        return list(db.scalars(waiting))


def test_messages_stop_by_a_click_of_the_mail_program_but_not_by_looking(site: Site) -> None:
    path = f"/p/{site.token()}/unsubscribe"
    assert site.http.get(path).status_code == 200
    assert _opted_out(site) is False
    for _ in range(2):
        answer = site.http.post(path, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200  # RFC 8058: no redirect
        assert _opted_out(site) is True
    with site.app.store.read() as db:
        assert db.scalar(select(t.reminder.c.state).where(t.reminder.c.id == "rem-2")) == "withdrawn"


def _opted_out(site: Site) -> bool:
    with site.app.store.read() as db:
        return bool(db.scalar(select(t.opt_out.c.channel).where(t.opt_out.c.customer_id == "acme")))


def _document(site: Site, document_id: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a row
    with site.app.store.read() as db:
        return db.execute(select(t.document).where(t.document.c.id == document_id)).one()


def test_paid_invoices_are_on_a_page_of_their_own(site: Site) -> None:
    page = site.http.get(f"/p/{site.token()}")
    assert f"/p/{site.token()}/paid" in page.text
    shown = site.http.get(f"/p/{site.token()}/paid").text
    for said in (
        "INV-8",
        "£500.00",
        "INV-7",
        "£660.00",
        "9 Mar 2026",
        "/invoices/inv-8.pdf",
        "/invoices/inv-8/formats",
    ):
        assert said in shown
    for other in ("INV-1<", "INV-2<", "INV-3<", "INV-4<", "INV-5<"):
        assert other not in shown
    german = site.http.get(f"/p/{site.token()}/paid", headers={"Accept-Language": "de"}).text
    assert "Bezahlte Rechnungen" in german and "500,00" in german
    assert "No invoice was paid" in site.http.get(f"/p/{site.token('bolt')}/paid").text
