"""The statement files, read by small readers of this test's own."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import pytest

from sandbox.world import DEMO_START, Organisation, World, build_world, mt940
from sandbox.world.statement import BankStatement, Line

CAMT = {"c": "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"}


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(clock=lambda: DEMO_START)


@pytest.fixture(scope="module")
def files(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return world.write_statements(tmp_path_factory.mktemp("statements") / "new")


def _signed(node: ElementTree.Element) -> Decimal:
    amount = Decimal(node.findtext("c:Amt", namespaces=CAMT) or "")
    return amount if node.findtext("c:CdtDbtInd", namespaces=CAMT) == "CRDT" else -amount


def test_camt_balances_add_up_and_carry_to_the_next_day(world: World, files: dict[str, Path]) -> None:
    root = ElementTree.fromstring(files["harbour-pine"].read_bytes())  # noqa: S314 - our own file
    statements = root.findall(".//c:Stmt", CAMT)
    before: Decimal | None = None
    seen = 0
    for statement in statements:
        balances = {b.findtext(".//c:Cd", namespaces=CAMT): _signed(b) for b in statement.findall("c:Bal", CAMT)}
        entries = statement.findall("c:Ntry", CAMT)
        assert balances["OPBD"] + sum(map(_signed, entries)) == balances["CLBD"]
        assert before is None or before == balances["OPBD"]
        assert int(statement.findtext(".//c:TtlNtries/c:NbOfNtries", namespaces=CAMT) or 0) == len(entries)
        before, seen = balances["CLBD"], seen + len(entries)
    assert seen == _lines(world.organisations["harbour-pine"])
    references = [n.text for n in root.findall(".//c:Ntry/c:AcctSvcrRef", CAMT)]
    assert len(set(references)) == seen


def test_camt_tells_the_fee_the_payer_and_the_reference(world: World, files: dict[str, Path]) -> None:
    root = ElementTree.fromstring(files["harbour-pine"].read_bytes())  # noqa: S314
    (entry,) = [n for n in root.findall(".//c:TxDtls", CAMT) if n.find("c:Chrgs", CAMT) is not None]
    (invoice,) = world.organisations["harbour-pine"].by_role("case:net_of_fee")
    assert Decimal(entry.findtext("c:AmtDtls/c:InstdAmt/c:Amt", namespaces=CAMT) or "") == invoice.total
    assert Decimal(entry.findtext("c:Amt", namespaces=CAMT) or "") == invoice.total - 15
    assert invoice.number in (entry.findtext("c:RmtInf/c:Ustrd", namespaces=CAMT) or "")
    iban = entry.findtext("c:RltdPties/c:DbtrAcct/c:Id/c:IBAN", namespaces=CAMT) or ""
    digits = "".join(str(int(letter, 36)) for letter in iban[4:] + iban[:4])
    assert int(digits) % 97 == 1


def _mt940_amount(text: str) -> Decimal:
    return Decimal(text.replace(",", "."))


def _sign(mark: str) -> int:
    return 1 if mark == "C" else -1


def test_mt940_balances_add_up_and_carry_to_the_next_day(world: World, files: dict[str, Path]) -> None:
    text = files["cedar-ridge"].read_bytes().decode("ascii").replace("\r\n", "\n")
    before: Decimal | None = None
    seen = 0
    for message in filter(None, re.split(r"^-\n", text, flags=re.M)):
        balances = {}
        for tag in ("60F", "62F"):
            found = re.search(rf"^:{tag}:([CD])\d{{6}}USD([\d,]+)$", message, flags=re.M)
            assert found, message
            balances[tag] = _sign(found[1]) * _mt940_amount(found[2])
        entries = re.findall(r"^:61:\d{10}([CD])([\d,]+)NTRFNONREF//FT\d{11}$", message, flags=re.M)
        assert len(entries) == message.count(":61:")
        moved = sum((_sign(mark) * _mt940_amount(amount) for mark, amount in entries), Decimal(0))
        assert balances["60F"] + moved == balances["62F"]
        assert before is None or before == balances["60F"]
        before, seen = balances["62F"], seen + len(entries)
    assert seen == _lines(world.organisations["cedar-ridge"])


def test_mt940_subfields_hold_remittance_and_payer(world: World, files: dict[str, Path]) -> None:
    text = files["cedar-ridge"].read_bytes().decode("ascii").replace("\r\n", "\n")
    assert all(len(line) <= 65 for line in text.split("\n"))
    details = [re.sub(r"\n", "", found) for found in re.findall(r"^:86:(.*?)(?=^[:-])", text, flags=re.M | re.S)]
    read = set()
    for detail in details:
        parts = dict(re.findall(r"\?(\d\d)([^?]*)", detail))
        purpose = "".join(parts[str(tag)] for tag in range(20, 30) if str(tag) in parts)
        read.add((purpose, parts["32"] + parts.get("33", "")))
    lines = [line for s in world.organisations["cedar-ridge"].statements for line in s.lines]
    assert read == {(line.remittance, line.counterparty.replace("&", "+")) for line in lines}


def test_no_folded_line_of_mt940_looks_like_a_field_or_an_end() -> None:
    day = date(2026, 11, 16)
    for width in range(10, 27):
        remittance = f"{'A' * width}-:- - INV-04217 -:X- :20:"
        line = Line(day, Decimal("5.00"), "PAYER -:- LTD", "107000271/123456789", remittance, "FT26320000001")
        statement = BankStatement("1/2", "USD", "Owner", 1, day, Decimal("1.00"), (line,))
        text = mt940.document([statement]).decode("ascii").replace("\r\n", "\n")
        tags = [found.split(":")[1] for found in text.split("\n") if found.startswith(":")]
        assert tags == ["20", "25", "28C", "60F", "61", "86", "62F"]
        assert [found for found in text.split("\n") if found.startswith("-")] == ["-"]
        (details,) = re.findall(r"^:86:(.*?)(?=^:62F)", text, flags=re.M | re.S)
        parts = dict(re.findall(r"\?(\d\d)([^?]*)", details.replace("\n", "")))
        assert parts["20"] + parts.get("21", "") == remittance


def _lines(organisation: Organisation) -> int:
    return sum(len(statement.lines) for statement in organisation.statements)
