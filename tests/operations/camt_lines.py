"""Entries of camt.053 as banks write direct debits: with end-to-end ids, return codes and the original parties."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.operations.firm import BANK_ACCOUNT

PAYER = "DE02120300000000202051"
UNPAID = "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>IDDT</Cd><SubFmlyCd>UPDD</SubFmlyCd></Fmly></Domn></BkTxCd>"


def line(
    amount: str,
    *,
    reference: str,
    on: date,
    end_to_end: str = "NOTPROVIDED",
    text: str = "INV-1001",
    account: str = PAYER,
    name: str = "ACME LTD",
    code: str = "",
    returned: str = "",
    paid: str = "",
) -> str:
    """An entry of camt.053; parties are the original ones, as banks write them on both lines of a direct debit."""
    value = Decimal(amount)
    direction = "CRDT" if value > 0 else "DBIT"
    instructed = paid and f'<AmtDtls><InstdAmt><Amt Ccy="GBP">{paid}</Amt></InstdAmt></AmtDtls>'
    side = "Dbtr" if value > 0 or code or returned else "Cdtr"
    iban = account and f"<{side}Acct><Id><IBAN>{account}</IBAN></Id></{side}Acct>"
    return (
        f'<Ntry><Amt Ccy="GBP">{abs(value)}</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
        f"<BookgDt><Dt>{on}</Dt></BookgDt><AcctSvcrRef>{reference}</AcctSvcrRef>{code}<NtryDtls><TxDtls>"
        f'<Refs><EndToEndId>{end_to_end}</EndToEndId></Refs><Amt Ccy="GBP">{abs(value)}</Amt>'
        f"<CdtDbtInd>{direction}</CdtDbtInd>{instructed}"
        f"<RltdPties><{side}><Pty><Nm>{name}</Nm></Pty></{side}>{iban}</RltdPties>"
        f"<RmtInf><Ustrd>{text}</Ustrd></RmtInf>{returned}</TxDtls></NtryDtls></Ntry>"
    )


def camt(*lines: str) -> bytes:
    """A statement of these entries."""
    account = f"<Acct><Id><IBAN>{BANK_ACCOUNT}</IBAN></Id><Ccy>GBP</Ccy></Acct>"
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>1</Id>'
        f"{account}{''.join(lines)}</Stmt></BkToCstmrStmt></Document>"
    ).encode()
