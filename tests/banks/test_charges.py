"""What banks on the way kept is taken over only where the file's own figures prove it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connectors.banks.feed import read_statement
from connectors.banks.fields import charges_kept

_MT940 = """:20:STMT
:25:10020030/1234567
:28C:1/1
:60F:C261101EUR100,00
:61:2611021102C985,00NTRFNONREF//B4E02
/OCMT/EUR1000,00//CHGS/{charged}/
:86:166?00GUTSCHRIFT?20INV 77?32ACME GMBH
:62F:C261102EUR1085,00
"""
_CAMT = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>1</Id>
<Acct><Id><IBAN>DE02120300000000202051</IBAN></Id></Acct>
<Ntry><Amt Ccy="EUR">985.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>2026-11-02</Dt></BookgDt>
<NtryDtls><TxDtls><Amt Ccy="EUR">985.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<AmtDtls><InstdAmt><Amt Ccy="{currency}">1000.00</Amt></InstdAmt></AmtDtls>
<Chrgs><Rcrd><Amt Ccy="EUR">10.00</Amt></Rcrd><Rcrd><Amt Ccy="EUR">{second}</Amt></Rcrd></Chrgs>
</TxDtls></NtryDtls></Ntry></Stmt></BkToCstmrStmt></Document>"""


@pytest.mark.parametrize(
    ("charged", "kept"), [("EUR15,00", Decimal("15.00")), ("EUR14,00", None), ("USD15,00", None), ("EUR0,00", None)]
)
def test_mt940_charges_are_kept_when_they_explain_the_difference(charged: str, kept: Decimal | None) -> None:
    (statement,) = read_statement("file.sta", _MT940.format(charged=charged).encode()).statements
    assert [entry.charges for entry in statement.entries] == [kept]
    assert statement.entries[0].amount == Decimal("985.00")


@pytest.mark.parametrize(
    ("currency", "second", "kept"),
    [("EUR", "5.00", Decimal("15.00")), ("EUR", "4.99", None), ("USD", "5.00", None)],
)
def test_camt_charges_are_summed_and_checked(currency: str, second: str, kept: Decimal | None) -> None:
    (statement,) = read_statement("file.xml", _CAMT.format(currency=currency, second=second).encode()).statements
    assert [entry.charges for entry in statement.entries] == [kept]


def test_money_out_has_no_charges_kept() -> None:
    booked, instructed, charges = Decimal("-985.00"), Decimal("-970.00"), Decimal("15.00")
    assert charges_kept(booked=booked, instructed=instructed, charges=charges) is None
