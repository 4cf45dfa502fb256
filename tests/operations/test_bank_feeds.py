"""A bank account that Stripe reads: linked on its page, confirmed by a person, and from then on what the bank says."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
import requests

from connectors.contract import Role
from receivables.money import Money
from reminders.evidence import BankDeclaration, BankEvidence
from runtime.operations.bank_feeds.feeds import Feed, FeedState, feeds
from runtime.operations.bank_feeds.link import begin_feed, confirm_feed, end_feed
from runtime.operations.bank_feeds.read import LOST, read_feeds
from runtime.operations.bank_files.import_statement import import_statement
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.organisations import declare_evidence
from runtime.operations.reminding.facts import freshness
from runtime.operations.systems.disconnect import disconnect
from runtime.store import connections
from runtime.store import tables as t
from sandbox.world.camt053 import document
from sandbox.world.statement import BankStatement
from tests.operations.firm import TODAY, Firm, XeroLedger, money_in

DOLLARS = "092"
BACK_TO = "http://127.0.0.1:8000/o/org/settings"
SECONDS = 10.0


@pytest.fixture
def dollar_firm(stored_firm: Firm) -> Firm:
    """A firm with a dollar account in the ledger and an invoice in dollars, overdue."""
    firm = stored_firm
    assert isinstance(firm.ledger, XeroLedger)
    firm.ledger.books.add_account(code=DOLLARS, name="Dollar account", type="BANK", currency="USD")
    firm.ledger.ids["INV-7001"] = firm.ledger.books.add_invoice(
        contact_id=firm.customers["Acme"],
        number="INV-7001",
        total=Decimal("500.00"),
        currency="USD",
        issued_on=TODAY - timedelta(days=40),
        due_on=TODAY - timedelta(days=10),
    )
    firm.settle()
    return firm


def _feeds(firm: Firm) -> list[Feed]:
    with firm.app.store.read() as db:
        return feeds(db, firm.id, *FeedState)


def _handle(firm: Firm) -> str:
    (row,) = [each for each in firm.rows(t.account) if each.name == "Dollar account"]
    return str(row.handle)


def _begin(firm: Firm) -> str:
    return begin_feed(firm.app, organisation_id=firm.id, handle=_handle(firm), back_to=BACK_TO, actor="owner")


def _read(firm: Firm, **later: float) -> int:
    firm.deliver_webhooks()  # they are signed for the moment
    firm.time.advance(**(later or {"minutes": 5}))
    return read_feeds(firm.app, firm.id)


def _linked(firm: Firm, *lines: tuple[int, str]) -> str:
    """Link an account whose bank has booked some lines; return Stripe's id of it."""
    answer = requests.post(_begin(firm), allow_redirects=False, timeout=SECONDS)
    assert answer.headers["Location"] == f"{BACK_TO}?notice=bank_linked"
    (account_id,) = firm.stripe.bank_accounts
    for amount, text in lines or ((-20_00, "CHECK 114"),):
        firm.stripe.bank_books(account_id, amount, text)
    _read(firm)  # it is linked
    _read(firm)  # its first lines are there
    return account_id


def _on(firm: Firm, *lines: tuple[int, str], positive: bool = True) -> str:
    account_id = _linked(firm, *lines)
    (feed,) = _feeds(firm)
    confirm_feed(firm.app, organisation_id=firm.id, feed_id=feed.id, money_in_is_positive=positive, actor="owner")
    _read(firm)
    return account_id


def _books(firm: Firm, account_id: str, amount: int, text: str, pending: bool = False) -> str:
    """The bank books a line, and Stripe reads it an hour and a half later."""
    line = firm.stripe.bank_books(account_id, amount, text, pending=pending)
    _read(firm, minutes=90)
    _read(firm)
    firm.settle()
    return line


def _receipts(firm: Firm) -> dict[str, tuple[int, str]]:
    return {row.external_id: (row.amount_minor, row.state) for row in firm.rows(t.receipt)}


def _import(firm: Firm, entry_id: str, on: date, account: str = "US11", amount: str = "500.00") -> None:
    """A statement of a dollar account with one line."""
    line = money_in(entry_id, amount, "ACME LTD", "INV-7001", on=on)
    content = document(
        [BankStatement(account, "USD", "Firm", 1, on, Decimal("1000.00"), (line,))], created_at=firm.time()
    )
    import_statement(firm.app, organisation_id=firm.id, name="dollars.xml", content=content)


def _evidence(firm: Firm) -> BankEvidence:
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        return next(each for each in freshness(db, organisation).bank if each.account == "Dollar account")


def test_nothing_counts_before_a_person_has_seen_the_first_lines(dollar_firm: Firm) -> None:
    _linked(dollar_firm, (500_00, "ACH CREDIT ACME INV-7001"), (-20_00, "CHECK 114"))
    (feed,) = _feeds(dollar_firm)
    assert (feed.state, feed.called) == (FeedState.SHOWN, "Stand-in Bank Business checking ending 6789")
    assert {(each.amount, each.text) for each in feed.first_lines} == {
        (Money(500_00, "USD"), "ACH CREDIT ACME INV-7001"),
        (Money(-20_00, "USD"), "CHECK 114"),
    }
    assert dollar_firm.rows(t.receipt) == []
    assert _evidence(dollar_firm).declares is BankDeclaration.STATEMENT


def test_money_that_the_bank_books_pays_its_invoice(dollar_firm: Firm) -> None:
    firm = dollar_firm
    account_id = _on(firm)
    line = _books(firm, account_id, 500_00, "ACH CREDIT ACME LTD INV-7001")
    assert _receipts(firm) == {line: (500_00, "applied")}
    assert firm.ledger.balance("INV-7001") == 0
    assert _books(firm, account_id, -30_00, "CHECK 115") not in _receipts(firm)
    assert len(_receipts(firm)) == 1, "read again, nothing comes twice"
    assert firm.problems() == []


def test_a_feed_that_tells_money_in_as_negative_is_turned_round(dollar_firm: Firm) -> None:
    account_id = _on(dollar_firm, (20_00, "CHECK 114"), positive=False)
    line = _books(dollar_firm, account_id, -500_00, "ACH CREDIT ACME LTD INV-7001")
    assert _receipts(dollar_firm) == {line: (500_00, "applied")}


def test_what_is_only_announced_is_no_money_until_it_is_booked(dollar_firm: Firm) -> None:
    account_id = _on(dollar_firm)
    line = _books(dollar_firm, account_id, 500_00, "ACH CREDIT ACME LTD INV-7001", pending=True)
    assert _receipts(dollar_firm) == {}
    dollar_firm.stripe.bank_changes(line, "posted")
    _read(dollar_firm, minutes=90)
    _read(dollar_firm)
    dollar_firm.settle()
    assert _receipts(dollar_firm) == {line: (500_00, "applied")}


def test_a_line_that_the_bank_withdraws_opens_its_invoice_again_and_holds_it(dollar_firm: Firm) -> None:
    firm = dollar_firm
    account_id = _on(firm)
    line = _books(firm, account_id, 500_00, "ACH CREDIT ACME LTD INV-7001")
    firm.stripe.bank_changes(line, "void")
    _read(firm, minutes=90)
    _read(firm)
    firm.settle()
    assert _receipts(firm)[line][1] == "returned"
    assert firm.ledger.balance("INV-7001") == Decimal(500)
    (hold,) = [each for each in firm.rows(t.hold) if each.released_at is None]
    assert (hold.document_id, hold.code) == (firm.document("INV-7001").id, "refund_review")


def test_the_evidence_is_as_old_as_the_last_reading(dollar_firm: Firm) -> None:
    _on(dollar_firm)
    found = _evidence(dollar_firm)
    assert found.declares is BankDeclaration.LIVE_FEED
    (feed,) = _feeds(dollar_firm)
    assert found.caught_up_at == feed.caught_up_at is not None
    assert feed.counts_from == dollar_firm.time().date() - timedelta(days=7)


def test_lines_that_statements_told_already_are_not_told_again(dollar_firm: Firm) -> None:
    firm = dollar_firm
    declare_evidence(
        firm.app, organisation_id=firm.id, ledger_account=_handle(firm), identification="US11", currency="USD",
        declares=BankDeclaration.STATEMENT,
    )  # fmt: skip
    yesterday = TODAY - timedelta(days=1)
    _import(firm, "B1", yesterday)
    account_id = _linked(firm)
    told = firm.time() - timedelta(days=1)
    for at, amount in ((told, 500_00), (told - timedelta(hours=14), 80_00), (firm.time(), 500_00)):
        firm.stripe.bank_books(account_id, amount, "ACH CREDIT ACME", at=at)
    (feed,) = _feeds(firm)
    confirm_feed(firm.app, organisation_id=firm.id, feed_id=feed.id, money_in_is_positive=True, actor="owner")
    _read(firm, minutes=90)
    _read(firm)
    assert _feeds(firm)[0].counts_from == TODAY, "the day after the statement's last"
    came = [(row.received_on, row.amount_minor) for row in firm.rows(t.receipt)]
    assert sorted(came) == [(yesterday, 500_00), (TODAY, 500_00)], "a second payment of the same amount is another"
    with pytest.raises(InputError, match=r"lines of .* may be those of Stand-in Bank"):
        _import(firm, "B2", TODAY)
    firm.import_lines(money_in("B3", "12.00", "BOLT", "thanks"))  # another account, in another currency


def test_a_statement_of_another_account_hides_no_line_of_the_feed(dollar_firm: Firm) -> None:
    firm = dollar_firm
    assert isinstance(firm.ledger, XeroLedger)
    firm.ledger.books.add_account(code="093", name="Savings", type="BANK", currency="USD")
    firm.time.advance(hours=1)
    firm.settle()
    (savings,) = [row.handle for row in firm.rows(t.account) if row.name == "Savings"]
    for identification, handle in (("US11", _handle(firm)), ("US22", savings)):
        declare_evidence(
            firm.app, organisation_id=firm.id, ledger_account=handle, identification=identification, currency="USD",
            declares=BankDeclaration.STATEMENT,
        )  # fmt: skip
    yesterday = TODAY - timedelta(days=1)
    _import(firm, "B1", yesterday, amount="80.00")
    _import(firm, "S1", yesterday, account="US22")
    account_id = _linked(firm)
    line = firm.stripe.bank_books(account_id, 500_00, "ACH CREDIT ACME", at=firm.time() - timedelta(days=1))
    (feed,) = _feeds(firm)
    confirm_feed(firm.app, organisation_id=firm.id, feed_id=feed.id, money_in_is_positive=True, actor="owner")
    _read(firm, minutes=90)
    _read(firm)
    assert {row.source_account for row in firm.rows(t.receipt)} == {"US11", "US22", feed.external_id}
    assert line in _receipts(firm)


def test_a_bank_that_gives_nothing_any_more_is_told_and_proves_nothing(dollar_firm: Firm) -> None:
    firm = dollar_firm
    account_id = _on(firm)
    firm.stripe.unlink_bank(account_id)
    _read(firm, minutes=90)
    assert LOST in firm.problems()
    before = _evidence(firm).caught_up_at
    _read(firm, hours=3)
    assert _evidence(firm).caught_up_at == before


def test_a_feed_that_is_ended_proves_and_takes_nothing(dollar_firm: Firm) -> None:
    firm = dollar_firm
    account_id = _on(firm)
    (feed,) = _feeds(firm)
    end_feed(firm.app, organisation_id=firm.id, feed_id=feed.id, actor="owner")
    _books(firm, account_id, 500_00, "ACH CREDIT ACME LTD INV-7001")
    assert _receipts(firm) == {}
    assert (_evidence(firm).declares, _evidence(firm).caught_up_at) == (BankDeclaration.STATEMENT, None)
    with pytest.raises(RefusedError, match="not read"):
        end_feed(firm.app, organisation_id=firm.id, feed_id=feed.id, actor="owner")


def test_a_page_that_came_of_nothing_is_forgotten(dollar_firm: Firm) -> None:
    _begin(dollar_firm)
    _read(dollar_firm)
    assert [each.state for each in _feeds(dollar_firm)] == [FeedState.BEGUN]
    _read(dollar_firm, hours=3)
    assert _feeds(dollar_firm) == []


def test_what_cannot_be_linked_or_confirmed_is_refused(dollar_firm: Firm) -> None:
    firm = dollar_firm
    with pytest.raises(InputError, match="kept in USD"):
        begin_feed(firm.app, organisation_id=firm.id, handle=firm.ledger.bank, back_to=BACK_TO, actor="owner")
    _on(firm)
    (feed,) = _feeds(firm)
    with pytest.raises(RefusedError, match="linked already"):
        _begin(firm)
    with pytest.raises(RefusedError, match="no such bank account"):
        confirm_feed(firm.app, organisation_id=firm.id, feed_id=feed.id, money_in_is_positive=True, actor="owner")
    end_feed(firm.app, organisation_id=firm.id, feed_id=feed.id, actor="owner")
    disconnect(firm.app, organisation_id=firm.id, role=Role.PROCESSOR, actor="owner")
    with pytest.raises(RefusedError, match="connect Stripe first"):
        _begin(firm)
