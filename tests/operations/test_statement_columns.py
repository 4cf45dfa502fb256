"""Columns that a person names once: what is read by them, what keeps a line from being taken twice, what is refused."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.banks.columns import ColumnMapping
from runtime.operations.bank_files.import_statement import Imported, UnclearStatementError, import_statement
from runtime.operations.bank_files.pending_statements import (
    MAX_PENDING,
    keep_pending,
    pending_statement,
    pending_statements,
)
from runtime.operations.bank_files.statement_columns import SaidColumns, forget_columns, kept_columns
from runtime.operations.bank_files.statement_folder import QUIET_SECONDS, take_in_files
from runtime.operations.bank_files.statement_look import look
from runtime.operations.errors import InputError
from runtime.operations.organisations import create_organisation
from runtime.store import tables as t
from tests.operations.firm import Firm

FILE = b"When;What;Much;Who\n26.02.2026;INV-1001;120,00;ACME\n27.02.2026;Rent;-900,50;LANDLORD\n"
LATER = b"When;What;Much;Who\n27.02.2026;Rent;-900,50;LANDLORD\n02.03.2026;INV-1002;80,00;BOLT\n"
COLUMNS = {"booked_on": "When", "amount": "Much", "description": "What"}
MAPPING = ColumnMapping(columns=COLUMNS, account="DE01", currency="EUR")
WITH_PAYER = ColumnMapping(columns=COLUMNS | {"counterparty": "Who"}, account="DE01", currency="EUR")


def take(
    firm: Firm,
    content: bytes,
    mapping: ColumnMapping | None = None,
    *,
    name: str = "a.csv",
    replaces: str | None = None,
) -> Imported:
    said = None if mapping is None else SaidColumns(mapping, replaces, "somebody")
    return import_statement(firm.app, organisation_id=firm.id, name=name, content=content, said=said)


def receipts(firm: Firm) -> list[tuple[int, str, str, str]]:
    return sorted(
        (row.amount_minor, row.source_account, row.payer_name, row.remittance) for row in firm.rows(t.receipt)
    )


def kept(firm: Firm) -> list[str]:
    with firm.app.store.read() as db:
        return [each.id for each in kept_columns(db, firm.id)]


def test_columns_named_once_read_later_files_also_from_the_folder(firm: Firm, tmp_path: Path) -> None:
    with pytest.raises(UnclearStatementError, match="no headings for a date"):
        take(firm, FILE)
    assert take(firm, FILE, MAPPING).added == 1
    firm.app.settings.statement_folder = str(tmp_path)
    own = tmp_path / firm.id
    own.mkdir()
    (own / "later.csv").write_bytes(LATER)
    os.utime(own / "later.csv", (time.time() - 2 * QUIET_SECONDS,) * 2)
    assert take_in_files(firm.app) == {"taken": 1}
    assert receipts(firm) == [(8_000, "DE01", "", "INV-1002"), (12_000, "DE01", "", "INV-1001")]
    (bank,) = [row for row in firm.rows(t.bank_account) if row.identification == "DE01"]
    assert str(bank.evidence_until) == "2026-03-02"


def test_the_columns_of_one_organisation_read_no_file_of_another(firm: Firm) -> None:
    take(firm, FILE, MAPPING)
    other = create_organisation(firm.app, name="Other", base_currency="EUR", time_zone="Europe/Berlin", country="DE")
    with pytest.raises(UnclearStatementError):
        import_statement(firm.app, organisation_id=other.id, name="a.csv", content=LATER)
    with pytest.raises(InputError, match="no such columns"):
        forget_columns(firm.app, organisation_id=other.id, columns_id=kept(firm)[0], actor="somebody")


@pytest.mark.parametrize(
    ("content", "mapping", "why"),
    [
        (FILE.replace(b"27.02", b"31.02") + b"28.02.2026;;1,00;\n", MAPPING, "line 3: '31.02.2026' is not a date"),
        (FILE, ColumnMapping(columns=COLUMNS, currency="EUR", decimal_mark="."), "line 2: '120,00' is not an amount"),
        (FILE, ColumnMapping(columns=COLUMNS, account="DE01"), "line 2: it has no currency"),
        (FILE, ColumnMapping(columns=COLUMNS, currency="EUR", date_order="mdy"), "line 2: '26.02.2026' is not a date"),
        (FILE, ColumnMapping(columns=COLUMNS, currency="JPY"), "line 3: "),
        (FILE, ColumnMapping(columns={"booked_on": "When"}), "say which column is the amount"),
        (FILE, ColumnMapping(columns=COLUMNS | {"debit": "Who"}), "and not both"),
        (FILE, ColumnMapping(columns=COLUMNS | {"counterparty": "Much"}), "named for two things"),
        (FILE, ColumnMapping(columns=COLUMNS | {"reference": "Nothing"}), "no row of headings"),
        (FILE, ColumnMapping(columns=COLUMNS | {"balance": "Who"}, currency="EUR"), "line 2: 'ACME' is not an amount"),
    ],
)
def test_wrong_columns_change_nothing_and_say_which_row(
    firm: Firm, content: bytes, mapping: ColumnMapping, why: str
) -> None:
    for attempt in (
        lambda: take(firm, content, mapping),
        lambda: look(name="a.csv", content=content, mapping=mapping),
    ):
        with pytest.raises(InputError, match=why.replace("(", r"\(")):
            attempt()
    assert not receipts(firm)
    assert not kept(firm)
    assert not firm.rows(t.statement)


def test_corrected_columns_take_no_line_twice(firm: Firm) -> None:
    take(firm, FILE, MAPPING)
    assert take(firm, FILE + LATER.split(b"\n", 1)[1], WITH_PAYER, replaces=kept(firm)[0]).added == 1
    assert receipts(firm) == [(8_000, "DE01", "BOLT", "INV-1002"), (12_000, "DE01", "", "INV-1001")]
    assert take(firm, FILE).added == 0
    assert take(firm, LATER).added == 0


def test_what_was_read_by_its_own_headings_is_not_taken_again_by_an_account(firm: Firm) -> None:
    own = b"Date,Amount,Currency,Payee\n2026-02-13,12.50,EUR,ACME\n"
    assert take(firm, own).added == 1
    columns = {"booked_on": "Date", "amount": "Amount", "currency": "Currency", "counterparty": "Payee"}
    assert take(firm, own, ColumnMapping(columns=columns, account="DE01")).added == 0
    assert len(receipts(firm)) == 1


def test_a_correction_that_contradicts_what_was_taken_is_refused(firm: Firm) -> None:
    take(firm, FILE, MAPPING)
    turned = ColumnMapping(columns=COLUMNS, account="DE01", currency="EUR", is_reversed=True)
    with pytest.raises(InputError, match=r"line 2: it was taken as 120\.00 of 2026-02-26"):
        take(firm, FILE, turned, replaces=kept(firm)[0])
    assert len(receipts(firm)) == 1
    with firm.app.store.read() as db:
        assert [each.mapping for each in kept_columns(db, firm.id)] == [
            replace(MAPPING, date_order="dmy", decimal_mark=",")
        ]


def test_accounts_with_the_same_headings_are_told_apart_or_asked_about(firm: Firm) -> None:
    take(firm, FILE, MAPPING)
    other = ColumnMapping(columns=COLUMNS, account="DE02", currency="EUR")
    with pytest.raises(InputError, match="kept already"):
        take(firm, FILE, MAPPING)
    assert take(firm, FILE, other, name="second.csv").added == 1
    with pytest.raises(InputError, match=r"several accounts \(DE01, DE02\)"):
        take(firm, LATER)
    assert take(firm, LATER, name="DE 02 November.csv").added == 1
    assert take(firm, b"Account;DE01;;\n" + LATER).added == 1
    assert [account for _, account, _, _ in receipts(firm)] == ["DE01", "DE02", "DE01", "DE02"]
    for columns_id in kept(firm):
        forget_columns(firm.app, organisation_id=firm.id, columns_id=columns_id, actor="somebody")
    with pytest.raises(UnclearStatementError):
        take(firm, LATER, name="DE01.csv")


def test_a_column_of_accounts_makes_a_statement_of_each(firm: Firm) -> None:
    content = b"When;Much;Mine\n26.02.2026;1,00;DE01\n26.02.2026;1,00;DE02\n27.02.2026;2,00;DE01\n"
    mapping = ColumnMapping(columns={"booked_on": "When", "amount": "Much", "account": "Mine"}, currency="EUR")
    imported = take(firm, content, mapping)
    assert (imported.added, imported.accounts) == (3, ("DE01", "DE02"))


def test_what_would_be_read_is_counted_and_summed(firm: Firm) -> None:
    found = look(name="a.csv", content=FILE, mapping=MAPPING)
    assert (found.count, found.came_count, found.left_count) == (2, 1, 1)
    assert ([str(each) for each in found.came], [str(each) for each in found.left]) == (["120.00 EUR"], ["-900.50 EUR"])
    assert (str(found.first), str(found.last), found.accounts) == ("2026-02-26", "2026-02-27", ("DE01",))
    assert not receipts(firm)


def test_files_that_wait_are_few_and_the_organisations_own(firm: Firm) -> None:
    ids = []
    for number in range(MAX_PENDING + 1):
        ids.append(keep_pending(firm.app, organisation_id=firm.id, name=f"{number}.csv", content=FILE))
        firm.time.advance(minutes=1)
    other = create_organisation(firm.app, name="Other", base_currency="EUR", time_zone="Europe/Berlin", country="DE")
    with firm.app.store.read() as db:
        assert [file for _, file in pending_statements(db, firm.id)] == ["5.csv", "4.csv", "3.csv", "2.csv", "1.csv"]
        assert pending_statement(db, other.id, ids[-1] or "") is None
    assert keep_pending(firm.app, organisation_id=firm.id, name="x", content=b"no columns at all") is None


def test_the_day_on_which_a_file_was_exported_is_not_proved_by_it(firm: Firm) -> None:
    today = firm.app.clock().date()
    content = f"When;What;Much;Who\n27.02.2026;INV-1001;120,00;ACME\n{today:%d.%m.%Y};INV-1002;80,00;BOLT\n".encode()
    assert take(firm, content, MAPPING).added == 2
    (bank,) = [row for row in firm.rows(t.bank_account) if row.identification == "DE01"]
    assert str(bank.evidence_until) == "2026-02-27"
    firm.time.advance(days=1)
    take(firm, content)
    (bank,) = [row for row in firm.rows(t.bank_account) if row.identification == "DE01"]
    assert bank.evidence_until == today


ALONE = b"26 F\xc3\xa9v 2026;INV-1001;120,00;DE02\n27 F\xc3\xa9v 2026;Rent;-900,50;DE02\n"
ALONE_LATER = b"27 F\xc3\xa9v 2026;Rent;-900,50;DE02\n2 mars 2026;INV-1002;80,00;DE01\n"
BY_PLACE = ColumnMapping(
    columns={
        "booked_on": "Column 1",
        "description": "Column 2",
        "amount": "Column 3",
        "counterparty_account": "Column 4",
    },
    account="DE01",
    currency="EUR",
    has_headings=False,
)


def test_a_file_without_headings_is_read_by_its_shape_once_a_person_has_said_it(firm: Firm) -> None:
    with pytest.raises(UnclearStatementError, match="no headings for a date"):
        take(firm, ALONE)
    assert take(firm, ALONE, BY_PLACE).added == 1
    assert take(firm, ALONE_LATER, name="b.csv").added == 1
    assert receipts(firm) == [(8_000, "DE01", "", "INV-1002"), (12_000, "DE01", "", "INV-1001")]
    assert take(firm, ALONE + ALONE_LATER).added == 0
    for shape in (
        ALONE_LATER.replace(b";DE", b";;DE"),
        ALONE_LATER.replace(b"INV-1002", b"2,00").replace(b"Rent", b"1,00"),
    ):
        with pytest.raises(UnclearStatementError):
            take(firm, shape)


def test_accounts_whose_files_have_one_shape_are_told_apart_by_the_files_name_alone(firm: Firm) -> None:
    take(firm, ALONE, BY_PLACE)
    with pytest.raises(InputError, match="kept already"):
        take(firm, ALONE, BY_PLACE)
    take(firm, ALONE, replace(BY_PLACE, account="DE02"), name="second.csv")
    with pytest.raises(InputError, match="several accounts"):
        take(firm, ALONE_LATER)  # a payer's account in a line names none
    assert take(firm, ALONE_LATER, name="DE02.csv").accounts == ("DE02",)


@pytest.mark.parametrize(
    ("content", "mapping", "why"),
    [
        (FILE, BY_PLACE, "one column must hold only days"),
        (ALONE, replace(BY_PLACE, columns=None), "Column 1 and so on"),
        (ALONE, replace(BY_PLACE, columns={"booked_on": "Column 1", "amount": "Column 9"}), "line 1: .* too few"),
        (ALONE, replace(BY_PLACE, columns={"booked_on": "Column 2", "amount": "Column 3"}), "in no known order"),
    ],
)
def test_a_file_without_headings_that_cannot_be_read_so_changes_nothing(
    firm: Firm, content: bytes, mapping: ColumnMapping, why: str
) -> None:
    with pytest.raises(InputError, match=why):
        look(name="a.csv", content=content, mapping=mapping)
    with pytest.raises(InputError):
        take(firm, content, mapping)
    assert (receipts(firm), kept(firm)) == ([], [])
