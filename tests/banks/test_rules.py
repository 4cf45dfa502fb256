"""Rules of the formats on small statements written here: signs, totals, pages, attacks, bounds, and columns."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from babel.dates import format_date
from hypothesis import given
from hypothesis import strategies as st

from connectors.banks import feed
from connectors.banks.delimited import ColumnMapping
from connectors.banks.shape import shape_key
from receivables.statement import StatementFile


def read(text: str, mapping: ColumnMapping | None = None) -> StatementFile:
    return feed.read_statement("test", text.encode(), mapping=mapping)


def refusal(text: str) -> str:
    found = read(text)
    assert found.refused
    assert found.statements == ()
    return found.problems[0].text


def mt940(lines: str, closing: str = "C240102EUR100,00") -> str:
    return f":20:X\n:25:DE02\n:28C:1/1\n:60F:C240101EUR100,00\n{lines}:62F:{closing}\n-\n"


def camt(body: str, *, message: str = "053", unit: str = "Stmt", root: str = "BkToCstmrStmt") -> str:
    return (
        f'<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{message}.001.08"><{root}>'
        f"<GrpHdr/><{unit}><Acct><Id><IBAN>DE02</IBAN></Id><Ccy>EUR</Ccy></Acct>{body}</{unit}></{root}></Document>"
    )


def balance(code: str, amount: str) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>{amount}</Amt>"
        "<CdtDbtInd>CRDT</CdtDbtInd></Bal>"
    )


def entry(amount: str, direction: str = "CRDT", status: str = "BOOK", more: str = "") -> str:
    return (
        f"<Ntry><Amt Ccy='EUR'>{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd>{more}<Sts><Cd>{status}</Cd></Sts>"
        "<BookgDt><Dt>2024-01-02</Dt></BookgDt></Ntry>"
    )


@pytest.mark.parametrize(
    ("mark", "sign", "reversal"),
    [("C", 1, False), ("D", -1, False), ("RC", -1, True), ("RD", 1, True), ("CR", 1, False), ("RDR", 1, True)],
)
def test_mt940_marks(mark: str, sign: int, reversal: bool) -> None:
    closing = f"C240102EUR{100 + sign * 20},00"
    (found,) = read(mt940(f":61:2401020102{mark}20,00NTRFNONREF\n", closing)).statements[0].entries
    assert (found.amount, found.reversal) == (Decimal(20 * sign), reversal)


@given(st.lists(st.integers(-(10**9), 10**9).filter(bool), max_size=20), st.integers(-5, 5))
def test_mt940_closing_balance_must_follow(cents: list[int], error: int) -> None:
    def text(value: int) -> str:
        return f"{abs(value) // 100},{abs(value) % 100:02d}"

    lines = "".join(f":61:2401020102{'D' if value < 0 else 'C'}{text(value)}NTRFNONREF\n" for value in cents)
    total = 10_000 + sum(cents) + error
    found = read(mt940(lines, f"{'D' if total < 0 else 'C'}240102EUR{text(total)}"))
    assert found.refused == (error != 0)
    if not error:
        assert [line.amount for line in found.statements[0].entries] == [Decimal(value) / 100 for value in cents]


def test_mt940_pages_continue() -> None:
    first = ":20:X\n:25:DE02\n:28C:1/1\n:60F:C240101EUR0,00\n:61:240102C5,00NTRFNONREF\n:62M:C240102EUR5,00\n-\n"
    second = first.replace("1/1", "1/2").replace("60F:C240101EUR0,00", "60M:C240102EUR5,00")
    second = second.replace("62M:C240102EUR5,00", "62F:C240102EUR10,00")
    (statement,) = read(first + second).statements
    assert (statement.opening, statement.closing, len(statement.entries)) == (Decimal(0), Decimal(10), 2)
    torn = second.replace("60M:C240102EUR5,00", "60M:C240102EUR6,00").replace("EUR10,00", "EUR11,00")
    assert "does not continue" in refusal(first + torn)


def test_mt940_entry_date_in_the_next_year() -> None:
    (found,) = read(mt940(":61:2312310102C0,00NTRFNONREF\n")).statements[0].entries
    assert (found.value_on, found.booked_on) == (date(2023, 12, 31), date(2024, 1, 2))


def test_mt940_wrapped_time_is_text() -> None:
    lines = ":61:240102C0,00NTRFNONREF\n:86:PAID AT 12\n:26:37 INVOICE 5\n"
    (found,) = read(mt940(lines)).statements[0].entries
    assert found.remittance == "PAID AT 12 :26:37 INVOICE 5"


def test_mt940_line_without_its_colon_or_line_break_is_not_lost() -> None:
    good = ":61:240102C0,00NTRFNONREF\n"
    assert "2 statement lines" in refusal(mt940(good + good.removeprefix(":")))
    assert "2 statement lines" in refusal(mt940(f"{good}:86:TEXT{good}"))


def test_mt940_in_swift_blocks_and_without_final_newline() -> None:
    text = "{1:F01BANK}{2:O940}{4:\r\n" + mt940("").replace("\n", "\r\n").removesuffix("-\r\n") + "-}{5:}"
    assert len(read(text).statements) == 1


def test_mt942_totals() -> None:
    text = ":20:X\n:25:DE02\n:28C:1/1\n:34F:EUR{floor}\n:61:240102C5,00NTRFNONREF\n:90D:0EUR0,00\n:90C:{count}EUR5,00\n"
    assert not read(text.format(floor="0,00", count=1)).refused
    assert ":90C: states 2 entries" in refusal(text.format(floor="0,00", count=2))
    assert not read(text.format(floor="10,00", count=2)).refused  # lines below the limit may be left out


def test_camt_balances_without_pending_entries() -> None:
    body = balance("OPBD", "10") + balance("CLBD", "15") + entry("5") + entry("7", status="PDNG")
    (statement,) = read(camt(body)).statements
    assert [line.status for line in statement.entries] == ["BOOK", "PDNG"]
    assert "give 15, but the file states a closing balance of 16" in refusal(camt(body.replace(">15<", ">16<")))


def test_camt_intraday_balances_promise_nothing() -> None:
    body = balance("OPBD", "10") + balance("CLBD", "99") + entry("5")
    assert not read(camt(body, message="052", unit="Rpt", root="BkToCstmrAcctRpt")).refused


def test_camt_summary() -> None:
    def summary(count: int, total: str) -> str:
        return (
            f"<TxsSummry><TtlNtries><NbOfNtries>{count}</NbOfNtries><Sum>{total}</Sum></TtlNtries>"
            "<TtlDbtNtries><NbOfNtries>1</NbOfNtries><Sum>2</Sum></TtlDbtNtries></TxsSummry>"
        )

    lines = entry("5") + entry("2", "DBIT")
    assert not read(camt(summary(2, "7.00") + lines)).refused
    assert "TtlNtries states 3 entries, the file holds 2" in refusal(camt(summary(3, "7") + lines))
    assert "states a sum of 8" in refusal(camt(summary(2, "8") + lines))
    assert "TtlDbtNtries" in refusal(camt(summary(1, "5") + entry("5")))


def test_camt_reversal_names_the_original_parties() -> None:
    """A returned direct debit: money out, and the customer is the debtor of the original payment."""
    parties = (
        "<RltdPties><Dbtr><Pty><Nm>Customer</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>NL01</IBAN></Id></DbtrAcct>"
        "<Cdtr><Pty><Nm>Us</Nm></Pty></Cdtr><CdtrAcct><Id><IBAN>DE02</IBAN></Id></CdtrAcct></RltdPties>"
    )
    more = f"<RvslInd>true</RvslInd><NtryDtls><TxDtls>{parties}</TxDtls></NtryDtls>"
    (found,) = read(camt(entry("5", "DBIT", more=more))).statements[0].entries
    assert (found.amount, found.reversal) == (Decimal(-5), True)
    assert (found.counterparty, found.counterparty_account) == ("Customer", "NL01")


@pytest.mark.parametrize(
    ("direction", "reversal", "name"),
    [
        ("CRDT", "false", "Debtor"),
        ("DBIT", "false", "Creditor"),
        ("CRDT", "true", "Creditor"),
        ("DBIT", "true", "Debtor"),
    ],
)
def test_camt_other_side_without_accounts(direction: str, reversal: str, name: str) -> None:
    parties = "<RltdPties><Dbtr><Nm>Debtor</Nm></Dbtr><Cdtr><Nm>Creditor</Nm></Cdtr></RltdPties>"
    more = f"<RvslInd>{reversal}</RvslInd><NtryDtls><TxDtls>{parties}</TxDtls></NtryDtls>"
    (found,) = read(camt(entry("5", direction, more=more))).statements[0].entries
    assert (found.counterparty, found.reversal) == (name, reversal == "true")


def test_camt_entry_outside_a_statement_is_not_lost() -> None:
    misplaced = camt(entry("5")).replace("</BkToCstmrStmt>", f"{entry('6')}</BkToCstmrStmt>")
    assert "holds 2 Ntry elements but 1 could be read" in refusal(misplaced)


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>',
        '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE d SYSTEM "http://attacker.invalid/x.dtd">',
    ],
)
def test_document_types_are_refused(declaration: str) -> None:
    text = camt(entry("5", more="<AddtlNtryInf>&a;</AddtlNtryInf>")).replace("<Document", f"{declaration}<Document")
    assert "declares a document type" in refusal(text)
    assert feed.read_statement("test", text.encode("utf-16")).refused
    assert "declares a document type" in refusal(f"{declaration}<OFX><STMTRS></STMTRS></OFX>")


def test_entities_in_attributes_do_not_grow() -> None:
    entities = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 20}">' for n in range(9))
    attack = f'<!DOCTYPE d [<!ENTITY e0 "ha">{entities}]>'
    text = camt(entry("5").replace("'EUR'", "'&e9;'")).replace("<Document", f"{attack}<Document")
    assert "declares a document type" in refusal(text) or "not well-formed" in refusal(text)


def test_deep_nesting_is_refused() -> None:
    assert "not well-formed" in refusal(camt("<a>" * 500 + "</a>" * 500))
    assert "nested more than" in refusal("<OFX>" + "<A>" * 500 + "</A>" * 500 + "</OFX>")


def test_cut_ofx_is_refused() -> None:
    text = "<OFX><STMTRS><STMTTRN><TRNAMT>1.00<DTPOSTED>20240102</STMTTRN></STMTRS></OFX>"
    assert read(text).statements[0].entries[0].amount == Decimal("1.00")
    assert "cut short" in refusal(text.removesuffix("</STMTRS></OFX>"))


def test_ofx_amount_outside_an_entry_is_not_lost() -> None:
    text = "<OFX><STMTRS><STMTTRN><TRNAMT>1.00</STMTTRN><STMTTR><TRNAMT>2.00</STMTTR></STMTRS></OFX>"
    assert "2 amounts (TRNAMT) but only 1" in refusal(text)


def bai2(total: str = "500", records: str = "5") -> str:
    return (
        "01,A,B,240102,0000,1,,,2/\n02,A,B,1,240102,,EUR,2/\n03,77,,010,0,,/\n16,475,500,Z,B1,C1,CHECK\n"
        f"49,{total},3/\n98,500,1,{records}/\n99,500,1,7/\n"
    )


def test_bai2_trailers() -> None:
    (statement,) = read(bai2()).statements
    assert (statement.account, statement.opening, statement.currency) == ("77", Decimal(0), "EUR")
    assert statement.entries[0].amount == Decimal("-5.00")  # 475, check paid, is a debit
    assert "line 5: the 49 trailer states a control total of 501, found 500" in refusal(bai2(total="501"))
    assert "line 6: the 98 trailer states a number of records of 6, found 5" in refusal(bai2(records="6"))
    assert "cut short" in refusal(bai2().rsplit("\n", 2)[0])


def bai2_account(summaries: str, total: int) -> str:
    """One account with money in of 3.00 and 2.00 and money out of 1.00, and what it states of them in all."""
    return (
        f"01,A,B,240102,0000,1,,,2/\n02,A,B,1,240102,,EUR,2/\n03,77,,{summaries}/\n16,165,300,Z,B1\n16,165,200,Z,B2\n"
        f"16,475,100,Z,B3\n49,{total},5/\n98,{total},1,7/\n99,{total},1,9/\n"
    )


@pytest.mark.parametrize(
    ("summaries", "total", "remark", "is_whole"),
    [
        ("010,1000,,,015,1400,,,100,500,2,,400,100,1,", 600 + 1000 + 1400 + 600, None, True),
        ("010,1000,,", 600 + 1000, None, True),
        ("010,1000,,,015,1900,,", 600 + 2900, "a change of the ledger balance of 9.00 but tells 4.00", False),
        ("100,900,3,", 600 + 900, "credits of 9.00 but tells 5.00", False),
        ("100,500,2,,400,300,2,", 600 + 800, "debits of 3.00 but tells 1.00: bookings are missing", True),
    ],
)
def test_bai2_that_tells_less_than_it_states_is_remarked_and_proves_no_day(
    summaries: str, total: int, remark: str | None, is_whole: bool
) -> None:
    found = read(bai2_account(summaries, total))
    assert not found.refused, found.problems
    assert [entry.amount for entry in found.statements[0].entries] == [Decimal(3), Decimal(2), Decimal(-1)]
    assert found.statements[0].is_whole is is_whole
    assert [problem.code for problem in found.problems] == (["statement_remark"] if remark else [])
    assert (remark or "") in "".join(problem.text for problem in found.problems)


def batch(*amounts: str, stated: int, currency: str = "EUR", booked: str = "30.00") -> str:
    details = "".join(
        f'<TxDtls><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd></TxDtls>' for amount in amounts
    )
    return (
        f'<Ntry><Amt Ccy="EUR">{booked}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2024-01-02</Dt>'
        f"</BookgDt><NtryDtls><Btch><NbOfTxs>{stated}</NbOfTxs></Btch>{details}</NtryDtls></Ntry>"
    )


@pytest.mark.parametrize(
    ("entry", "remark"),
    [
        (batch("10.00", "20.00", stated=2), None),
        (batch(stated=20), None),
        (batch("10.00", "20.00", stated=2, currency="CHF"), None),
        (batch("10.00", "20.00", stated=3), "states a batch of 3 transactions and tells 2"),
        (batch("10.00", "19.00", stated=2), "was booked for 30.00, and its transactions come to 29.00"),
    ],
)
def test_a_camt_batch_that_tells_less_than_it_states_is_remarked(entry: str, remark: str | None) -> None:
    found = read(camt(entry))
    assert not found.refused, found.problems
    assert found.statements[0].entries[0].amount == Decimal("30.00"), "what was booked counts"
    assert [problem.code for problem in found.problems] == (["statement_remark"] if remark else [])
    assert (remark or "") in "".join(problem.text for problem in found.problems)


def test_a_file_above_the_bounds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.banks.draft.MAX_ENTRIES", 1)
    assert "2 entries, more than the 1" in refusal(camt(entry("5") + entry("6")))
    monkeypatch.setattr(feed, "MAX_FILE_BYTES", 10)
    assert "more than the 10" in refusal(mt940(""))


def test_an_amount_longer_than_any_bank_writes_is_refused() -> None:
    assert "more than 18 digits" in refusal(camt(entry("9" * 19)))


def test_delimited_with_known_headings() -> None:
    text = (
        "Konto;DE02\n\nBuchungstag;Valutadatum;Auftraggeber;IBAN;Verwendungszweck;Betrag;Währung\n"
        "31.01.2024;01.02.2024;Müller;DE55;RE 17;1.234,56;EUR\n01.02.2024;;Bank;;Gebühr;-3,00;EUR\n"
    )
    (statement,) = read(text).statements
    first, second = statement.entries
    assert (first.booked_on, first.value_on) == (date(2024, 1, 31), date(2024, 2, 1))
    assert (first.amount, first.currency, first.counterparty) == (Decimal("1234.56"), "EUR", "Müller")
    assert (first.counterparty_account, first.remittance) == ("DE55", "RE 17")
    assert (second.amount, second.value_on) == (Decimal("-3.00"), None)


def test_delimited_credit_and_debit_columns() -> None:
    text = 'Date,Description,Debit,Credit\n2024-01-31,"Rent, January",900.00,\n2024-02-01,Sale,,"1,000.50"\n'
    assert [line.amount for line in read(text).statements[0].entries] == [Decimal("-900.00"), Decimal("1000.50")]
    assert "2 amounts instead of one" in refusal("Date,Debit,Credit\n2024-01-31,1.00,2.00\n")


def test_delimited_never_guesses() -> None:
    assert "no headings for a date and an amount" in refusal("when,much\n2024-01-01,5\n")
    assert "could be day or month first" in refusal("date,amount\n01/02/2024,5.00\n")
    assert "thousands or a fraction" in refusal('date,amount\n2024-01-02,"1,234"\n')
    assert "some amounts write a decimal point" in refusal('date,amount\n2024-01-02,"1,23"\n2024-01-02,1.23\n')
    assert "line 3: 3 columns where the headings are 2" in refusal("date,amount\n2024-01-02,1\n2024-01-02,1,2\n")
    assert "line 2: 'five' is not an amount" in refusal("date,amount\n2024-01-02,five\n")


def test_delimited_with_a_mapping() -> None:
    mapping = ColumnMapping(
        columns={"booked_on": "when", "amount": "much"}, account="A", currency="USD", date_order="mdy", decimal_mark=","
    )
    (statement,) = read('when,much\n01/02/2024,"1.234"\n', mapping).statements
    assert (statement.account, statement.currency) == ("A", "USD")
    assert (statement.entries[0].booked_on, statement.entries[0].amount) == (date(2024, 1, 2), Decimal(1234))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1", "cp850"])
def test_encodings(encoding: str) -> None:
    text = mt940(":61:240102C0,00NTRFNONREF\n:86:Müller grüßt für Ökostrom\n")
    (found,) = feed.read_statement("test", text.encode(encoding)).statements[0].entries
    assert found.remittance == "Müller grüßt für Ökostrom"


def test_delimited_signs_that_a_column_of_its_own_says() -> None:
    text = (
        'Datum,"Naam / Omschrijving",Rekening,Tegenrekening,Code,"Af Bij","Bedrag (EUR)",Mededelingen\n'
        '20240131,Jansen,NL01,NL02,GT,Bij,"12,50",een\n20240201,Huur,NL01,NL03,GT,Af,"900,00",twee\n'
    )
    assert [line.amount for line in read(text).statements[0].entries] == [Decimal("12.50"), Decimal("-900.00")]
    assert "'Anders' does not say whether the money came or left" in refusal(text.replace("Af,", "Anders,"))
    assert "the amount is negative" in refusal(text.replace('"12,50"', '"-12,50"'))


def test_delimited_amounts_that_may_have_left_are_not_taken_for_money_in() -> None:
    text = "date,amount,type\n2024-01-31,5.00,C\n2024-02-01,6.00,D\n"
    assert "the column 'type' may say which of them left" in refusal(text)
    assert not read(text.replace("6.00", "-6.00")).refused
    assert not read(text.replace("D", "Transfer")).refused


def test_delimited_balances_must_follow_from_either_end() -> None:
    mapping = ColumnMapping(columns={"booked_on": "on", "amount": "much", "balance": "left"}, currency="EUR")
    rows = ["2024-01-31,5.00,105.00\n", "2024-02-01,-6.00,99.00\n", "2024-02-02,1.00,100.00\n"]
    for text in ("".join(rows), "".join(reversed(rows))):
        (statement,) = read("on,much,left\n" + text, mapping).statements
        assert (statement.opening, statement.closing) == (Decimal(100), Decimal(100))
    lost = read("on,much,left\n" + rows[0] + rows[2], mapping)
    assert lost.problems[0].text == "test, line 3: the balance does not follow from the one before and the amount"
    turned = ColumnMapping(columns=mapping.columns, currency="EUR", is_reversed=True)
    assert read("on,much,left\n" + "".join(rows), turned).refused


@pytest.mark.parametrize(
    "text", ["3 Nov 2026", "03-NOV-26", "November 3, 2026", "2026-Nov-03", "3. nov. 2026", "3 de noviembre de 2026"]
)
def test_delimited_months_in_words(text: str) -> None:
    (found,) = read(f'date,amount\n"{text}",5.00\n').statements[0].entries
    assert found.booked_on == date(2026, 11, 3)


@pytest.mark.parametrize(
    "language", ["de", "fr", "es", "it", "pt", "nl", "da", "sv", "fi", "sk", "hu", "ro", "el", "tr"]
)
@pytest.mark.parametrize("form", ["d MMM yyyy", "d. MMMM yyyy", "dd-MMM-yy"])
def test_delimited_months_of_other_languages(language: str, form: str) -> None:
    days = [date(2026, month, 3) for month in range(1, 13)]
    rows = "".join(f'"{format_date(each, form, locale=language)}",5.00\n' for each in days)
    (statement,) = read("date,amount\n" + rows).statements
    assert [line.booked_on for line in statement.entries] == days


def test_delimited_months_without_accents_in_capitals_and_as_banks_shorten_them() -> None:
    text = "date,amount\n3-FEV-26,1.00\n3 aout 2026,2.00\n03.Mrz.2026,3.00\n"
    assert [(line.booked_on or date.min).month for line in read(text).statements[0].entries] == [2, 8, 3]


def test_delimited_a_month_that_is_another_one_in_another_language_is_not_guessed() -> None:
    assert "means another month in another language" in refusal("date,amount\n3 lis 2026,5.00\n")
    assert "line 3: '3 marx 2026' is not a date" in refusal("date,amount\n3 mars 2026,1\n3 marx 2026,1\n4 mai 2026,1\n")


@pytest.mark.parametrize("text", ["12.50", "1.2345", "1.234.5"])
def test_delimited_a_wrong_decimal_mark_is_no_amount_a_hundred_times_as_high(text: str) -> None:
    mapping = ColumnMapping(columns={"booked_on": "on", "amount": "much"}, decimal_mark=",")
    found = read(f"on,much\n2024-01-31,{text}\n", mapping)
    assert found.problems[0].text == f"test, line 2: {text!r} is not an amount with ',' as its decimal mark"


def test_delimited_headings_that_occur_twice_or_not_at_all_have_names() -> None:
    mapping = ColumnMapping(columns={"booked_on": "on", "amount": "Column 3", "description": "text (2)"})
    (found,) = read("on,text,,text\n2024-01-31,first,5.00,second\n", mapping).statements[0].entries
    assert (found.amount, found.remittance) == (Decimal("5.00"), "second")


ALONE = "26.02.2026;ACME;RE 17;120,00\n27.02.2026;Vermieter;Miete;-900,50\n\n28.02.2026;BOLT;;1.000,00\n"
BY_PLACE = ColumnMapping(
    columns={"booked_on": "Column 1", "counterparty": "Column 2", "description": "Column 3", "amount": "Column 4"},
    currency="EUR",
    has_headings=False,
)


def test_delimited_without_headings_every_row_is_a_line_by_its_place() -> None:
    assert "no headings for a date and an amount" in refusal(ALONE)
    (statement,) = read(ALONE, BY_PLACE).statements
    assert [(line.line, line.counterparty, line.amount) for line in statement.entries] == [
        (1, "ACME", Decimal("120.00")),
        (2, "Vermieter", Decimal("-900.50")),
        (4, "BOLT", Decimal("1000.00")),
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Tag;Wer;Was;Wert\n" + ALONE, "test, line 1: 'Tag' is not a date"),
        ("Konto;DE77\n" + ALONE, "test, line 1: the file has 2 columns, too few for those that are named"),
        (ALONE + "01.03.2026;X;Y;1;Z\n", "test, line 5: 5 columns where the first row has 4"),
        (ALONE + "01.03.2026;X;Y\n", "test, line 5: 3 columns where the first row has 4"),
    ],
)
def test_delimited_without_headings_what_is_no_line_refuses_the_file(text: str, why: str) -> None:
    assert [problem.text for problem in read(text, BY_PLACE).problems] == [why]


def test_delimited_a_first_line_is_not_lost_as_headings() -> None:
    mapping = ColumnMapping(columns={"booked_on": "26.02.2026", "amount": "120,00"}, currency="EUR")
    assert "'26.02.2026' is no heading but a date" in read(ALONE, mapping).problems[0].text


def test_delimited_the_shape_of_a_file_without_headings() -> None:
    shape = shape_key(ALONE)
    assert shape is not None
    assert shape_key("3. März 2026;A;4711;1,00\n") == shape, "whatever its lines say"
    other = [
        ALONE.replace(";RE 17", ";RE 17;").replace(";Miete", ";Miete;").replace(";;", ";;;"),
        ALONE.replace("RE 17", "1,00").replace("Miete", "2,00"),
        ALONE.replace("ACME", "1.1.2026").replace("Vermieter", "1.1.2026").replace("BOLT", "1.1.2026"),
    ]
    assert len({shape, *map(shape_key, other)}) == 4
    for none in (
        "Tag;Wer;Was;Wert\n" + ALONE,
        ALONE + "1.3.2026;X\n",
        "a;b\n",
        "1.3.2026;2\n",
        ":20:X\n",
        "1.3.2026\n",
    ):
        assert shape_key(none) is None
