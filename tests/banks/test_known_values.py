"""Values that a person read in the raw files."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from connectors.banks.feed import read_statement_file
from receivables.statement import Entry, Statement
from tests.shared import shared_data


def statements(name: str) -> tuple[Statement, ...]:
    found = read_statement_file(shared_data() / "bank" / name)
    assert not found.refused, found.problems
    return found.statements


def entries(name: str) -> list[Entry]:
    return [entry for statement in statements(name) for entry in statement.entries]


def test_german_sepa_reversal_of_a_credit_is_money_out() -> None:
    found = entries("mt940/betterplace__sepa_mt9401.sta")
    assert len(found) == 97
    reversed_credit = found[5]  # :61:0709040904RCR204,88NRTINONREF
    assert (reversed_credit.amount, reversed_credit.reversal) == (Decimal("-204.88"), True)
    assert reversed_credit.remittance == "0904059003"  # ?20 0904059003
    first = found[0]  # :61:0709040904CR300,NTRFTFNr 40005 MSGID//0724710345313905
    assert (first.amount, first.currency, first.reversal) == (Decimal(300), "EUR", False)
    assert first.booked_on == date(2007, 9, 4)
    received = found[7]  # :61:0709040904CR15000,05NTRFNONREF//0724710290621954
    assert received.amount == Decimal("15000.05")
    assert received.counterparty == "Richter Renate 70 Zeichen Beginn Fuellzeichen xxxxxxxx"
    assert received.counterparty_account == "DE42100100100043921105"
    assert received.remittance is not None
    assert received.remittance.startswith("EREF+EndToEndIdTFNR2000400001 SVWZ+TO 13 TFNr 20004 Eingangskanal Mint")


def test_dutch_words_and_the_account_below_the_line() -> None:
    (statement,) = statements("mt940/jejik__rabobank-iban.sta")
    assert (statement.account, statement.currency) == ("NL71RABO0123456789", "EUR")
    assert (statement.opening, statement.closing) == (Decimal(1000), Decimal(930))
    first, second, *_ = statement.entries
    assert (first.amount, first.value_on, first.booked_on) == (Decimal(-25), date(2013, 1, 1), None)
    assert (first.counterparty, first.counterparty_account) == ("CONTRA ACCOUNT HOLDER", "NL70ABNA0987654321")
    assert (second.counterparty, second.remittance) == ("JOHN DOE", "Reference 201301234")


def test_daily_messages_of_one_account_become_one_statement() -> None:
    (statement,) = statements("mt940/ASNB__0708271685_09022020_164516.940.txt")
    assert (statement.opening, statement.closing) == (Decimal("444.29"), Decimal("501.23"))
    first = statement.entries[0]
    assert (first.counterparty, first.counterparty_account) == ("hr gjlm paulissen", "NL47INGB9999999999")
    assert first.remittance == "Betaling sieraden"
    assert sum(entry.amount for entry in statement.entries) == Decimal("501.23") - Decimal("444.29")


def test_old_german_field_and_alike_lines() -> None:
    first, second = statements("mt940/self-provided__raphaelm.sta")
    assert (first.account, first.opening, first.closing) == ("1222333444", Decimal(0), Decimal(145000))
    named = first.entries[0]
    assert (named.counterparty, named.remittance) == ("Empfänger", "Verwendungszweck 1 Verwendungszweck 2")
    assert len({entry.entry_id for entry in first.entries}) == 8
    assert [entry.amount for entry in second.entries] == [Decimal(-50000)]


def test_a_value_date_that_does_not_exist_is_left_empty() -> None:
    found = read_statement_file(shared_data() / "bank/mt940/self-provided__february_30.sta")
    (entry,) = found.statements[0].entries
    assert (entry.value_on, entry.booked_on, entry.amount) == (None, date(2016, 3, 1), Decimal(-6))
    assert "no day 160230" in found.problems[0].text


def test_prose_of_a_polish_bank() -> None:
    first = entries("mt940/mBank__mt942.sta")[0]
    assert (first.counterparty, first.counterparty_account) == ("JAN NOWAK", "56114010810000267002001001")
    assert first.amount == Decimal("0.01")


def test_a_line_broken_inside_its_fields() -> None:
    (entry,) = entries("mt940/self-provided__sparkassen.sta")
    assert (entry.amount, entry.booked_on, entry.remittance) == (Decimal(30), date(2018, 11, 26), "SVWZ+Test")


def test_camt_batch_keeps_its_parts() -> None:
    (entry,) = entries("camt/test_data_camt054.v4.xml")
    assert (entry.amount, entry.currency, entry.status) == (Decimal(-200000), "SEK", "BOOK")
    assert [part.amount for part in entry.parts] == [Decimal("3.1"), Decimal("3.2"), Decimal("3.2")]
    assert entry.parts[1].counterparty == "Example Creditor 3 - V2"
    assert entry.parts[1].counterparty_account == "CH7212345003232323232"
    assert entry.parts[1].remittance == "ISR ref number V2 Additional Remittance Information V2"
    assert entry.counterparty is None  # three different creditors


def test_camt_structured_reference_and_foreign_closing_balance() -> None:
    found = read_statement_file(shared_data() / "bank/camt/test_data_camt053.v2.minimal.xml")
    (statement,) = found.statements
    (entry,) = statement.entries
    assert (entry.amount, entry.booked_on, entry.value_on) == (Decimal("8.85"), date(2014, 12, 31), date(2015, 1, 2))
    assert (entry.counterparty, entry.remittance) == ("NAME NAME", "4654654654654654")
    assert entry.parts[0].amount is None
    assert (statement.opening, statement.closing) == (Decimal("18.15"), None)
    assert "stated in SEK" in found.problems[0].text


def test_camt_pending_entry_and_its_other_side() -> None:
    (entry,) = entries("camt/test_data_camt052.v6.Amt-zero.xml")
    assert (entry.status, entry.counterparty) == ("PDNG", "Example Creditor 6 - V1")
    assert str(entry.parts[0].amount) == "0"


def test_camt_own_side_is_never_the_counterparty() -> None:
    (entry,) = entries("camt/test_data_camt053.v2.with-account-name.xml")
    assert (entry.counterparty, entry.counterparty_account) == (None, None)


def test_ofx_unclosed_leaves() -> None:
    (statement,) = statements("ofx/bank_medium.ofx")
    assert (statement.account, statement.currency, statement.closing) == (
        "12300 000012345678",
        "CAD",
        Decimal("382.34"),
    )
    assert statement.opening is None
    assert [entry.amount for entry in statement.entries] == [Decimal("-6.60"), Decimal("-316.67"), Decimal("-22.00")]
    assert statement.entries[1].counterparty == "Joe's Bald Hairstyles"
    assert statement.entries[1].booked_on == date(2009, 4, 2)


def test_ofx_without_dates_and_with_a_reused_id() -> None:
    found = entries("ofx/date_missing.ofx")
    assert [entry.booked_on for entry in found] == [None, None, None]
    assert len({entry.entry_id for entry in found}) == 3


def test_ofx_line_in_another_currency_and_empty_balance() -> None:
    assert [entry.currency for entry in entries("ofx/investment_medium.ofx")] == ["USD", "USD", "USD"]
    assert statements("ofx/empty_balance.ofx")[0].closing is None
    assert [statement.account for statement in statements("ofx/multiple_accounts2.ofx")] == ["9100", "9200"]


def test_bai2_implied_decimals_funds_and_text() -> None:
    found = statements("bai2/sample2.txt")
    assert [statement.account for statement in found] == [
        *("0123456789", "9876543210", "4589761203", "0975312468", "7890654321")
    ]
    letter = found[2].entries[0]
    assert (letter.amount, letter.currency) == (Decimal("200000.00"), "USD")
    assert (letter.booked_on, letter.value_on) == (date(2004, 6, 20), date(2004, 6, 22))
    assert letter.remittance == "YRC065321 PROCEEDS OF LETTER OF CREDIT FROM THE ARAMCO OIL CO"
    assert found[1].opening == Decimal("-5000.00")
