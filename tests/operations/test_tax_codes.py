"""Tax codes are chosen from what the ledger has: read daily or when somebody asks, and refused once gone."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.contract import Role
from runtime.operations.charges.decide import Shown, approve_charge
from runtime.operations.charges.propose import propose_charges
from runtime.operations.charges.terms import charge_terms, note_business, set_rate, switch_charges
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.systems.disconnect import disconnect
from runtime.operations.systems.read_tax_codes import read_accounts_again
from runtime.operations.systems.tax_codes import TaxCodes, tax_codes
from runtime.operations.systems.treatments import LATE_CHARGE, set_treatment, treatments
from runtime.store import connections
from runtime.store import tables as t
from tests.operations.copied import copied_firm, synced
from tests.operations.faults import unavailable
from tests.operations.firm import LEDGERS, TODAY, Firm, QuickBooksLedger, XeroLedger


@pytest.fixture(params=sorted(LEDGERS))
def firm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Firm]:
    with copied_firm(tmp_path, request.param, prepare=_with_tax_codes) as firm:
        yield firm


def _with_tax_codes(firm: Firm) -> None:
    if isinstance(firm.ledger, QuickBooksLedger):
        firm.ledger.books.add_tax_code(name="20% S", percent=Decimal(20))
    synced(firm)
    firm.poll()


def _known(firm: Firm) -> TaxCodes:
    with firm.app.store.read() as db:
        return tax_codes(db, firm.id)


def _standard(firm: Firm) -> str:
    """The code of 20 %."""
    (code,) = [each.code for each in _known(firm).codes if each.per_cent == 20]
    return code


def _remove(firm: Firm, code: str) -> None:
    """Somebody deletes a tax code in the ledger."""
    if isinstance(firm.ledger, XeroLedger):
        firm.ledger.books.delete_tax_rate(code)
    elif isinstance(firm.ledger, QuickBooksLedger):
        firm.ledger.books.entities["TaxCode"][code]["Active"] = False


def _add(firm: Firm) -> None:
    if isinstance(firm.ledger, XeroLedger):
        firm.ledger.books.tax_rates["RR"] = Decimal(5)
    elif isinstance(firm.ledger, QuickBooksLedger):
        firm.ledger.books.add_tax_code(name="5% R", percent=Decimal(5))


def _book(firm: Firm, code: str) -> None:
    (income,) = [row.handle for row in firm.rows(t.account) if row.purpose == "income"]
    set_treatment(firm.app, organisation_id=firm.id, kind=LATE_CHARGE, account=income, tax_code=code, actor="dana")


def test_they_are_read_once_a_day(firm: Firm) -> None:
    before = _known(firm)
    assert _standard(firm)
    assert before.read_at is not None
    _add(firm)
    firm.time.advance(hours=23)
    firm.poll()
    assert _known(firm) == before, "a day has not passed"
    firm.time.advance(hours=2)
    firm.poll()
    assert len(_known(firm).codes) == len(before.codes) + 1


def test_a_person_has_them_read_at_once_but_not_twice_a_minute(firm: Firm) -> None:
    firm.time.advance(minutes=2)
    before = len(_known(firm).codes)
    _add(firm)
    read_accounts_again(firm.app, organisation_id=firm.id)
    assert len(_known(firm).codes) == before + 1
    calls = firm.ledger.standin.calls.total()
    read_accounts_again(firm.app, organisation_id=firm.id)
    assert firm.ledger.standin.calls.total() == calls


def test_a_ledger_that_does_not_answer_takes_nothing_away(firm: Firm) -> None:
    before = _known(firm).codes
    firm.time.advance(days=2)
    firm.ledger.standin.interceptor = unavailable
    with pytest.raises(RefusedError, match="could not be read just now"):
        read_accounts_again(firm.app, organisation_id=firm.id)
    firm.ledger.standin.interceptor = None
    assert _known(firm).codes == before


def test_a_code_that_the_ledger_does_not_have_is_not_kept(firm: Firm) -> None:
    with pytest.raises(InputError, match="no tax code MADE-UP for sales"):
        _book(firm, "MADE-UP")
    _book(firm, _standard(firm))
    _book(firm, "")


def test_what_was_never_read_cannot_be_chosen(firm: Firm) -> None:
    code = _standard(firm)
    disconnect(firm.app, organisation_id=firm.id, role=Role.LEDGER, actor="dana")
    assert _known(firm) == TaxCodes((), None)
    with pytest.raises(InputError, match="not read yet"):
        _book(firm, code)


def test_a_charge_is_refused_in_one_line_before_it_is_approved_where_its_code_is_gone(firm: Firm) -> None:
    code = _standard(firm)
    _book(firm, code)
    firm.invoice("Acme", "INV-1", "1000.00")
    firm.settle()
    with firm.app.store.read() as db:
        assert treatments(db, firm.id)[LATE_CHARGE].tax_code == code
    _remove(firm, code)
    firm.time.advance(days=1, minutes=1)
    firm.settle()
    line = f"the ledger no longer has the tax code {code} of late charge: choose another in the settings"
    with pytest.raises(RefusedError, match=line):
        _approve(firm)
    assert firm.rows(t.charge) == []
    assert firm.rows(t.outbox, state="new") == []
    _book(firm, "")
    _approve(firm)
    assert [row.state for row in firm.rows(t.charge)] == ["approved"]


def _approve(firm: Firm) -> None:
    switch_charges(firm.app, organisation_id=firm.id, on=True, actor="dana")
    set_rate(firm.app, organisation_id=firm.id, since=TODAY.replace(month=1, day=1), per_cent="3.75", actor="dana")
    document = firm.document("INV-1")
    note_business(firm.app, organisation_id=firm.id, customer_id=document.customer_id, is_business=True, actor="dana")
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        rates = charge_terms(db, organisation).rates
        (found,) = propose_charges(db, organisation, now=firm.app.clock(), rates=rates, document_ids=[document.id])
    assert found.ask is not None
    shown = Shown(found.ask.until, found.ask.interest, found.ask.fixed)
    approve_charge(firm.app, organisation_id=firm.id, document_id=document.id, shown=shown, actor="dana")


def test_an_account_that_was_archived_is_named(tmp_path: Path) -> None:
    with copied_firm(tmp_path) as firm:
        firm.poll()
        _book(firm, "")
        assert isinstance(firm.ledger, XeroLedger)
        (account,) = [row.account for row in firm.rows(t.treatment)]
        firm.ledger.books.archive_account(account)
        firm.time.advance(minutes=2)
        read_accounts_again(firm.app, organisation_id=firm.id)
        with firm.app.store.read() as db:
            known = treatments(db, firm.id)
        assert LATE_CHARGE not in known
        assert f"no longer has the account {account}" in known.lack(LATE_CHARGE)
