"""Bank statements: every credit becomes one receipt, however often and however overlapping files are imported."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from runtime.operations.bank_files.import_statement import import_statement
from runtime.operations.errors import InputError
from runtime.operations.organisations import create_organisation
from runtime.store import tables as t
from sandbox.world import mt940
from sandbox.world.statement import BankStatement, Line
from tests.operations.firm import BANK_ACCOUNT, CURRENCY, TODAY, Firm, money_in, statement

YESTERDAY = TODAY - timedelta(days=1)
A = money_in("L1", "10.00", "A", "one")
B = money_in("L2", "20.00", "B", "two")
B_AGAIN = money_in("L3", "20.00", "B", "two")
C = money_in("L4", "30.00", "C", "three")
OUT = money_in("L5", "-5.00", "LANDLORD", "rent")


def _amounts(firm: Firm) -> list[int]:
    return sorted(row.amount_minor for row in firm.rows(t.receipt))


def test_a_file_imported_twice_adds_nothing(firm: Firm) -> None:
    first = firm.import_lines(A, B, OUT)
    assert (first.entries, first.added, first.other, first.accounts) == (3, 2, 1, (BANK_ACCOUNT,))
    again = firm.import_lines(A, B, OUT, name="the same under another name.xml")
    assert (again.entries, again.added) == (3, 0)
    assert _amounts(firm) == [1_000, 2_000]


def test_overlapping_files_add_only_what_is_new(firm: Firm) -> None:
    firm.import_lines(A, B)
    assert firm.import_lines(B, C, name="later.xml").added == 1
    assert _amounts(firm) == [1_000, 2_000, 3_000]


def test_two_lines_that_only_look_alike_are_two_receipts(firm: Firm) -> None:
    assert firm.import_lines(B, B_AGAIN).added == 2
    assert firm.import_lines(B, B_AGAIN).added == 0
    assert _amounts(firm) == [2_000, 2_000]


def test_importing_again_after_matching_applies_nothing_again(firm: Firm) -> None:
    line = money_in("L1", "120.00", "ACME LTD", "INV-1001")
    firm.import_lines(line)
    firm.work()
    firm.import_lines(line, C)
    firm.work()
    assert firm.ledger.payments() == [Decimal(120)]


@pytest.mark.parametrize("content", [b"", b"this is no bank file", b"<Document><broken", statement(A)[:-200]])
def test_a_refused_file_changes_nothing(firm: Firm, content: bytes) -> None:
    with pytest.raises(InputError, match="bad"):
        import_statement(firm.app, organisation_id=firm.id, name="bad.xml", content=content)
    assert (firm.rows(t.receipt), firm.rows(t.statement)) == ([], [])


def test_a_file_with_one_impossible_amount_changes_nothing(firm: Firm) -> None:
    with pytest.raises(InputError, match="finer than the minor unit"):
        firm.import_lines(A, money_in("L9", "1.005", "D", "four"))
    assert (firm.rows(t.receipt), firm.rows(t.statement)) == ([], [])


def test_a_statement_proves_the_account_up_to_its_last_day_and_never_less(firm: Firm) -> None:
    firm.import_lines(A)
    (account,) = [row for row in firm.rows(t.bank_account) if row.identification == BANK_ACCOUNT]
    assert account.evidence_until == YESTERDAY
    old = TODAY - timedelta(days=9)
    firm.import_lines(money_in("L0", "1.00", "A", "old", on=old), name="old.xml", on=old)
    (account,) = [row for row in firm.rows(t.bank_account) if row.identification == BANK_ACCOUNT]
    assert account.evidence_until == YESTERDAY


@pytest.mark.parametrize(("credits", "proves"), [(500, True), (900, False)])
def test_a_file_that_tells_less_money_in_than_it_states_proves_no_day(firm: Firm, credits: int, proves: bool) -> None:
    total = 500 + credits
    text = (
        f"01,A,B,{YESTERDAY:%y%m%d},0000,1,,,2/\n02,A,B,1,{YESTERDAY:%y%m%d},,GBP,2/\n03,77,,100,{credits},1,/\n"
        f"16,165,500,Z,B1\n49,{total},3/\n98,{total},1,5/\n99,{total},1,7/\n"
    )
    import_statement(firm.app, organisation_id=firm.id, name="bank.bai", content=text.encode())
    assert _amounts(firm) == [500], "its money counts all the same"
    assert ["77" for row in firm.rows(t.bank_account) if row.identification == "77"] == (["77"] if proves else [])


def test_the_same_line_in_two_organisations_is_two_receipts(firm: Firm) -> None:
    other = create_organisation(firm.app, name="Other", base_currency="GBP", time_zone="Europe/London", country="GB")
    firm.import_lines(A)
    imported = import_statement(firm.app, organisation_id=other.id, name="bank.xml", content=statement(A))
    assert imported.added == 1
    assert _amounts(firm) == [1_000]


def test_a_day_without_lines_is_evidence_of_that_day(firm: Firm) -> None:
    firm.import_lines(A)
    import_statement(firm.app, organisation_id=firm.id, name="empty.mt940", content=_day(0, "1010.00"))
    (account,) = [row for row in firm.rows(t.bank_account) if row.identification == BANK_ACCOUNT]
    assert account.evidence_until == TODAY


def _day(number: int, opening: str, *lines: Line) -> bytes:
    on = TODAY - timedelta(days=number)
    return mt940.document([BankStatement(BANK_ACCOUNT, CURRENCY, "Firm", 1, on, Decimal(opening), lines)])


def test_a_missing_file_ends_the_evidence_until_it_comes(firm: Firm) -> None:
    """The file of the day before yesterday, with 20.00 in it, was never taken."""
    days = {
        3: _day(3, "1000.00", money_in("D3", "10.00", "A", "one", on=TODAY - timedelta(days=3))),
        2: _day(2, "1010.00", money_in("D2", "20.00", "B", "two", on=TODAY - timedelta(days=2))),
        1: _day(1, "1030.00", money_in("D1", "30.00", "C", "three")),
    }

    def take(*numbers: int) -> date:
        for number in numbers:
            import_statement(firm.app, organisation_id=firm.id, name=f"{number}.mt940", content=days[number])
        (account,) = [row for row in firm.rows(t.bank_account) if row.identification == BANK_ACCOUNT]
        until: date = account.evidence_until
        return until

    assert take(3, 1) == TODAY - timedelta(days=3)
    assert _amounts(firm) == [1_000, 3_000], "the money that is known counts all the same"
    assert firm.problems() == ["statement_gap"]
    assert take(2) == TODAY - timedelta(days=2)
    assert take(1) == YESTERDAY
    assert firm.problems() == []


def test_files_that_overlap_or_are_older_leave_no_gap(firm: Firm) -> None:
    firm.import_lines(A)
    firm.import_lines(A, B, name="same day.xml")
    before = TODAY - timedelta(days=3)
    firm.import_lines(money_in("L0", "1.00", "A", "old", on=before), name="old.xml", on=before)
    assert firm.problems() == []


@pytest.mark.parametrize(("tag", "until"), [("62F", TODAY), ("62M", YESTERDAY)])
def test_an_interim_balance_closes_no_day(firm: Firm, tag: str, until: date) -> None:
    firm.import_lines(A)
    content = _day(0, "1010.00").replace(b":62F:", f":{tag}:".encode())
    import_statement(firm.app, organisation_id=firm.id, name="day.mt940", content=content)
    (account,) = [row for row in firm.rows(t.bank_account) if row.identification == BANK_ACCOUNT]
    assert account.evidence_until == until
