"""What bank files say of money that is taken back: why, how much had come, and by which ids the payment is known."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connectors.banks.feed import read_statement
from receivables.statement import Entry, TakenBack

_CAMT = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>1</Id>
<Acct><Id><IBAN>DE02120300000000202051</IBAN></Id></Acct>
<Ntry><Amt Ccy="EUR">{booked}</Amt><CdtDbtInd>DBIT</CdtDbtInd>{mark}<Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>2026-11-02</Dt></BookgDt>{code}
<NtryDtls>{details}</NtryDtls></Ntry></Stmt></BkToCstmrStmt></Document>"""
_DETAIL = """<TxDtls><Refs><EndToEndId>{reference}</EndToEndId><MndtId>M-1</MndtId></Refs>
<Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd>{instructed}
<RltdPties><Dbtr><Pty><Nm>Acme GmbH</Nm></Pty></Dbtr>
<DbtrAcct><Id><IBAN>DE91100000000123456789</IBAN></Id></DbtrAcct>
<Cdtr><Pty><Nm>Firm</Nm></Pty></Cdtr></RltdPties>{returned}</TxDtls>"""
_REASON = "<RtrInf><Rsn><Cd>AM04</Cd></Rsn><AddtlInf>no funds</AddtlInf></RtrInf>"


def camt(details: str, *, booked: str = "120.00", mark: str = "", code: str = "") -> Entry:
    content = _CAMT.format(booked=booked, mark=mark, code=code, details=details)
    return only(content)


def detail(*, reference: str = "E2E-0001", amount: str = "120.00", instructed: str = "", returned: str = "") -> str:
    instructed = instructed and f'<AmtDtls><InstdAmt><Amt Ccy="EUR">{instructed}</Amt></InstdAmt></AmtDtls>'
    return _DETAIL.format(reference=reference, amount=amount, instructed=instructed, returned=returned)


def only(content: str) -> Entry:
    file = read_statement("file", content.encode())
    assert not file.refused, file.problems
    (statement,) = file.statements
    (entry,) = statement.entries
    return entry


def test_camt_return_information_names_the_reason_the_payer_and_the_payment() -> None:
    entry = camt(detail(returned=_REASON))
    assert (entry.amount, entry.reversal) == (Decimal("-120.00"), False)
    assert entry.taken_back == TakenBack("AM04 no funds", Decimal("120.00"))
    assert (entry.counterparty, entry.counterparty_account) == ("Acme GmbH", "DE91100000000123456789")
    assert entry.references == ("E2E-0001",)


@pytest.mark.parametrize(
    "code",
    [
        "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>IDDT</Cd><SubFmlyCd>UPDD</SubFmlyCd></Fmly></Domn></BkTxCd>",
        "<BkTxCd><Prtry><Cd>NRTI+109+00931</Cd></Prtry></BkTxCd>",
        "<BkTxCd><Prtry><Cd>NRTI</Cd></Prtry></BkTxCd>",
    ],
)
def test_camt_codes_of_returns(code: str) -> None:
    assert camt(detail(), code=code).taken_back is not None


def test_camt_ordinary_debits_and_credits_take_nothing_back() -> None:
    code = "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>DMCT</SubFmlyCd></Fmly></Domn></BkTxCd>"
    entry = camt(detail(), code=code)
    assert (entry.taken_back, entry.reversal, entry.counterparty) == (None, False, "Firm")


@pytest.mark.parametrize(("amount", "instructed"), [("123.00", "120.00"), ("120.00", "")])
def test_camt_charge_of_a_return_is_what_was_booked_above_what_had_come(amount: str, instructed: str) -> None:
    entry = camt(detail(amount=amount, instructed=instructed, returned=_REASON), booked="123.00")
    assert entry.taken_back == TakenBack("AM04 no funds", Decimal("120.00"))


def test_camt_batch_of_returns_keeps_each_with_its_id() -> None:
    parts = [detail(reference=f"E2E-000{n}", amount=f"{n}0.00", returned=_REASON) for n in (5, 7)]
    entry = camt("".join(parts))
    assert [(part.references, part.taken_back) for part in entry.parts] == [
        (("E2E-0005",), TakenBack("AM04 no funds", Decimal("50.00"))),
        (("E2E-0007",), TakenBack("AM04 no funds", Decimal("70.00"))),
    ]


def mt940(line: str, note: str) -> Entry:
    closing = "877,00" if "D123" in line else "880,00"
    lines = [":20:S", ":25:10020030/1234567", ":28C:1/1", ":60F:C261101EUR1000,00", f":61:{line}", f":86:{note}"]
    return only("\n".join([*lines, f":62F:C261102EUR{closing}"]) + "\n")


@pytest.mark.parametrize(
    ("line", "note", "reason", "original"),
    [
        ("2611021102D120,00NRTINONREF//B1", "some text", "returned item", None),
        ("2611021102D120,00NDDTNONREF//B1", "109?00RETOURE?20EREF+E2E-0001", "direct debit returned", None),
        (
            "2611021102D123,00NDDTNONREF//B1",
            "109?00RETOURE?20EREF+E2E-0001 OAMT+120,00?34914",
            "914",
            Decimal("120.00"),
        ),
        ("2611021102D120,00NMSCNONREF//B1", "/RTRN/MS03/EREF/E2E-0001/NAME/Acme BV/", "MS03", None),
    ],
)
def test_mt940_types_and_codes_of_returns(line: str, note: str, reason: str, original: Decimal | None) -> None:
    entry = mt940(line, note)
    assert entry.taken_back == TakenBack(reason, original)
    assert entry.references == (("E2E-0001",) if "E2E-0001" in note else ())


def test_mt940_reversal_of_a_credit_is_marked_by_the_line_itself() -> None:
    entry = mt940("2611021102RC120,00NTRFNONREF//B1", "116?00STORNO?20EREF+E2E-0001")
    assert (entry.reversal, entry.taken_back, entry.amount) == (True, None, Decimal("-120.00"))


@pytest.mark.parametrize(("code", "said"), [("557", "ACH item returned"), ("555", "deposited item returned")])
def test_bai2_codes_of_returned_items(code: str, said: str) -> None:
    entry = bai2(code)
    assert (entry.amount, entry.taken_back) == (Decimal("-120.00"), TakenBack(said))


@pytest.mark.parametrize("code", ["475", "567", "455"])
def test_bai2_payments_out_and_fees_of_returns_take_nothing_back(code: str) -> None:
    assert bai2(code).taken_back is None


def bai2(code: str) -> Entry:
    lines = ["01,A,B,261102,0800,1,,,2/", "02,B,A,1,261102,,USD,2/", "03,123,USD,,,,/", f"16,{code},12000,,B1,C1,ACME/"]
    return only("\n".join([*lines, "49,12000,3/", "98,12000,1,5/", "99,12000,1,7/"]) + "\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("RETURNED DIRECT DEBIT INV-1001", "RETURNED DIRECT DEBIT"),
        ("Rücklastschrift Acme", "Rücklastschrift"),
        ("RETURNED ITEM 4711", "RETURNED ITEM"),
        ("REFUND FOR RETURNED GOODS INV-1001", None),
        ("rent", None),
    ],
)
def test_csv_and_ofx_say_it_in_words_or_not_at_all(text: str, said: str | None) -> None:
    csv = only(f"date,amount,payer,description\n2026-11-02,-120.00,Acme,{text}\n")
    ofx = only(
        "OFXHEADER:100\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR<BANKACCTFROM><ACCTID>1</BANKACCTFROM>"
        "<BANKTRANLIST><STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20261102<TRNAMT>-120.00<FITID>F1<NAME>Acme"
        f"<MEMO>{text}</STMTTRN></BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\n"
    )
    expected = TakenBack(said) if said else None
    assert (csv.taken_back, ofx.taken_back, csv.amount) == (expected, expected, Decimal("-120.00"))
