"""One `Ntry` of a camt message with its `TxDtls`: amounts, the other side, and what it is for."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from connectors.banks import returns
from connectors.banks.camt_xml import (
    Element,
    account_of,
    child,
    children,
    currency_of,
    line_of,
    magnitude,
    signed_amount,
    text_at,
)
from connectors.banks.draft import Line, exact_sum
from connectors.banks.fields import charges_kept, clean, iso_day, joined, signed
from receivables.statement import Part, TakenBack


def read_entry(entry: Element, own_account: str | None) -> Line:
    """Read an `Ntry` of the account `own_account`; BankFileError when it states no amount or direction."""
    value = signed_amount(entry)
    reversal = _true(text_at(entry, "RvslInd"))
    code = _code(entry)
    details = [part for group in children(entry, "NtryDtls") for part in children(group, "TxDtls")]
    alone = len(details) == 1
    parts = tuple(
        _part(detail, value, code, alone=alone, reversal=reversal, own_account=own_account) for detail in details
    )
    references = {reference for detail in details if (reference := text_at(detail, "Refs", "AcctSvcrRef"))}
    booked, valued = child(entry, "BookgDt"), child(entry, "ValDt")
    return Line(
        amount=value,
        line=line_of(entry),
        bank_reference=_reference(text_at(entry, "AcctSvcrRef"), references),
        booked_on=iso_day(text_at(booked, "Dt") or text_at(booked, "DtTm")),
        value_on=iso_day(text_at(valued, "Dt") or text_at(valued, "DtTm")),
        currency=currency_of(entry),
        counterparty=_common([part.counterparty for part in parts]),
        counterparty_account=_common([part.counterparty_account for part in parts]),
        remittance=joined([part.remittance for part in parts], " | ") or text_at(entry, "AddtlNtryInf"),
        status=text_at(entry, "Sts", "Cd") or text_at(entry, "Sts", "Prtry") or text_at(entry, "Sts"),
        reversal=reversal,
        parts=parts,
        charges=_charges(details[0], value) if alone else None,
        references=tuple(dict.fromkeys(reference for part in parts for reference in part.references)),
        taken_back=parts[0].taken_back if alone else code,
    )


def batch_remarks(entry: Element, line: Line) -> Iterator[str]:
    """Yield what an `Ntry` that was read as `line` does not tell: fewer transactions than stated, or other amounts.

    The entry's own amount counts all the same. A bank that tells no transaction at all promises none.
    """
    place = f"the entry in line {line.line}"
    for group in children(entry, "NtryDtls"):
        stated, told = text_at(child(group, "Btch"), "NbOfTxs"), len(children(group, "TxDtls"))
        if stated is not None and told and stated.lstrip("0") != str(told):
            yield f"{place} states a batch of {stated} transactions and tells {told}"
    amounts = [part.amount for part in line.parts if part.amount is not None and part.currency == line.currency]
    if 1 < len(amounts) == len(line.parts) and exact_sum(amounts) != line.amount:
        yield f"{place} was booked for {line.amount:f}, and its transactions come to {exact_sum(amounts):f}"


def _amount(detail: Element, booked: Decimal) -> tuple[Decimal, str | None] | None:
    """The signed amount that a transaction states, with its currency."""
    holder = detail if child(detail, "Amt") is not None else child(child(detail, "AmtDtls"), "TxAmt")
    if holder is None or child(holder, "Amt") is None:
        return None
    direction = text_at(detail, "CdtDbtInd") or ("DBIT" if booked < 0 else "CRDT")
    return signed(magnitude(holder), outgoing=direction == "DBIT"), currency_of(holder)


def _code(holder: Element) -> TakenBack | None:
    """What the bank transaction code of an entry or of one of its transactions says of a return."""
    stated = child(holder, "BkTxCd")
    family = text_at(stated, "Domn", "Fmly", "SubFmlyCd")
    if family in returns.CAMT_CODES:
        return TakenBack(returns.CAMT_CODES[family])
    own = (text_at(stated, "Prtry", "Cd") or "").split("+")
    german = next((returns.GERMAN_CODES[piece] for piece in own if piece in returns.GERMAN_CODES), None)
    swift = any(piece[1:] == returns.SWIFT_TYPE for piece in own)
    return TakenBack(german or "returned item") if german or swift else None


def _taken_back(detail: Element, code: TakenBack | None, booked: Decimal) -> TakenBack | None:
    """What a transaction says of its return (`RtrInf`, or the code), and how much of what was booked had been paid."""
    information = child(detail, "RtrInf")
    found = _code(detail) or code
    if information is None and found is None:
        return None
    reason = (text_at(information, "Rsn", "Cd"), text_at(information, "Rsn", "Prtry"), text_at(information, "AddtlInf"))
    stated = [child(child(detail, "AmtDtls"), "InstdAmt"), detail if child(detail, "Amt") is not None else None]
    paid = [magnitude(holder) for holder in stated if holder is not None and currency_of(holder) == currency_of(detail)]
    original = next((amount for amount in paid if amount <= abs(booked)), None)
    return TakenBack(joined([*reason]) or (found.reason if found else "returned"), original)


def _charges(detail: Element, booked: Decimal) -> Decimal | None:
    """What banks kept of a single transaction, all in the entry's currency; None where the file does not prove it."""
    instructed = child(child(detail, "AmtDtls"), "InstdAmt")
    records = children(child(detail, "Chrgs"), "Rcrd")
    holders = [holder for holder in (instructed, *records) if holder is not None]
    currencies = {currency_of(holder) for holder in holders} | {currency_of(detail)}
    if instructed is None or not records or len(currencies) != 1:
        return None
    kept = sum((magnitude(record) for record in records), Decimal(0))
    return charges_kept(booked=booked, instructed=magnitude(instructed), charges=kept)


def _reference(stated: str | None, of_details: set[str]) -> str | None:
    reference = stated or (of_details.pop() if len(of_details) == 1 else None)
    return None if reference in {"NOTPROVIDED", "NONREF"} else reference


def _part(
    detail: Element,
    entry_value: Decimal,
    code: TakenBack | None,
    *,
    alone: bool,
    reversal: bool,
    own_account: str | None,
) -> Part:
    value, currency = _amount(detail, entry_value) or (None, None)
    taken_back = _taken_back(detail, code, entry_value if value is None or alone else value)
    incoming = (entry_value >= 0) != (reversal or taken_back is not None)
    name, account = _counterparty(child(detail, "RltdPties"), incoming, own_account)
    remittance = child(detail, "RmtInf")
    end_to_end = text_at(detail, "Refs", "EndToEndId")
    return Part(
        amount=value,
        currency=currency,
        counterparty=name,
        counterparty_account=account,
        remittance=_remittance(remittance) or text_at(detail, "AddtlTxInf"),
        end_to_end_id=None if end_to_end == "NOTPROVIDED" else end_to_end,
        references=returns.usable([end_to_end, text_at(detail, "Refs", "TxId"), text_at(detail, "Refs", "UETR")]),
        taken_back=taken_back,
    )


def _counterparty(parties: Element | None, incoming: bool, own_account: str | None) -> tuple[str | None, str | None]:
    """The other side: the debtor of money in, the creditor of money out, and never the account's own side.

    Parties of a reversal or return are those of the original payment, which went the other way.
    """
    for side in ("Dbtr", "Cdtr") if incoming else ("Cdtr", "Dbtr"):
        party = child(parties, side)
        account = account_of(child(parties, f"{side}Acct"))
        name = (
            text_at(party, "Nm")
            or text_at(party, "Pty", "Nm")
            or text_at(party, "Agt", "FinInstnId", "Nm")
            or text_at(child(parties, f"{side}Acct"), "Nm")
        )
        if account is None or account != own_account:
            return name, account
    return None, None


def _remittance(information: Element | None) -> str | None:
    pieces: list[str | None] = [clean(line.text) for line in children(information, "Ustrd")]
    for structured in children(information, "Strd"):
        pieces.append(text_at(structured, "CdtrRefInf", "Ref"))
        pieces += [text_at(document, "Nb") for document in children(structured, "RfrdDocInf")]
        pieces += [clean(line.text) for line in children(structured, "AddtlRmtInf")]
    return joined(pieces)


def _common(values: list[str | None]) -> str | None:
    """The one value that all parts share, else None."""
    return values[0] if values and len(set(values)) == 1 else None


def _true(text: str | None) -> bool:
    return text in {"true", "1"}
