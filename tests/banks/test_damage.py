"""Damaged files: never an exception, never fewer entries than the raw text shows without a refusal."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.banks import feed
from connectors.banks.columns import ColumnMapping
from connectors.banks.fields import decode
from connectors.banks.table import rows_of
from receivables.statement import StatementFile
from tests.shared import shared_data

RAW_ENTRY = {
    "bai2": re.compile(r"^[ \t]*16,", re.MULTILINE),
    "camt.052": re.compile(r"<Ntry>"),
    "camt.053": re.compile(r"<Ntry>"),
    "camt.054": re.compile(r"<Ntry>"),
    "mt940": re.compile(r":\n?61:"),
    "mt942": re.compile(r":\n?61:"),
    "ofx": re.compile(r"<STMTTRN\s*/?>", re.IGNORECASE),
}
SMALL = 9000  # bytes; larger files only repeat what the small ones hold


@lru_cache(maxsize=1)
def originals() -> list[bytes]:
    files = sorted(path for path in (shared_data() / "bank").rglob("*") if path.is_file())
    return [path.read_bytes() for path in files if path.stat().st_size <= SMALL]


def holds(content: bytes) -> StatementFile:
    found = feed.read_statement("damaged", content)
    assert feed.statement_file_json(found)["file"] == "damaged"
    if found.refused:
        assert found.problems[0].text
        assert not found.statements
    elif found.format in RAW_ENTRY:
        raw = len(RAW_ENTRY[found.format].findall(decode(content)))
        assert sum(len(statement.entries) for statement in found.statements) == raw
    return found


damage = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@damage
@given(st.data())
def test_cut_and_replaced_bytes(data: st.DataObject) -> None:
    content = data.draw(st.sampled_from(originals()))
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 200)))
    holds(content[:start] + data.draw(st.binary(max_size=8)) + content[end:])
    holds(content[:start])


@damage
@given(st.data())
def test_swapped_repeated_and_lost_lines(data: st.DataObject) -> None:
    lines = data.draw(st.sampled_from(originals())).splitlines(keepends=True)
    places = st.integers(0, len(lines) - 1)
    first, second, lost = data.draw(places), data.draw(places), data.draw(places)
    lines[first], lines[second] = lines[second], lines[first]
    holds(b"".join(lines[:lost] + lines[lost + 1 :]))
    holds(b"".join([*lines, lines[lost]]))


@damage
@given(st.data())
def test_other_encodings(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(originals())).decode("latin-1")
    encoding = data.draw(st.sampled_from(["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "cp850", "cp037"]))
    found = feed.read_statement("damaged", text.encode(encoding, errors="replace"))
    assert found.refused or found.format in RAW_ENTRY


@damage
@given(
    st.binary(max_size=400), st.sampled_from([b"", b":20:X\n:61:", b"<OFX>", b"<Document", b"01,A\n", b"date,amount\n"])
)
def test_random_bytes(content: bytes, start: bytes) -> None:
    holds(start + content)


@damage
@given(
    st.text(alphabet=":<>/,;\n\"'0123456789CDEURN-61820[]{}&#x= \x00\u0660", max_size=200),
    st.sampled_from(sorted(RAW_ENTRY)),
)
def test_random_markup(text: str, kind: str) -> None:
    starts = {"bai2": "01,A,B,240102/\n02,", "mt940": ":20:X\n:60F:", "mt942": ":34F:", "ofx": "<OFX><STMTRS><STMTTRN>"}
    holds((starts.get(kind, f"<Document xmlns='{kind}'>") + text).encode())


@lru_cache(maxsize=1)
def every_file() -> list[bytes]:
    return [path.read_bytes() for path in sorted((shared_data() / "bank").rglob("*")) if path.is_file()]


@pytest.mark.long
@settings(damage, max_examples=5_000)
@given(st.data())
def test_every_known_file_in_thousands_of_damages(data: st.DataObject) -> None:
    content = data.draw(st.sampled_from(every_file()))
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 500)))
    lines = content.splitlines(keepends=True)
    first, second = (data.draw(st.integers(0, max(0, len(lines) - 1))) for _ in range(2))
    if lines:
        lines[first], lines[second] = lines[second], lines[first]
    encoding = data.draw(st.sampled_from(["utf-16", "utf-8", "cp1252", "cp850"]))
    for damaged in (
        content[:start],
        content[:start] + data.draw(st.binary(max_size=8)) + content[end:],
        b"".join(lines),
        content.decode("latin-1").encode(encoding, errors="replace"),
    ):
        holds(damaged)


def test_a_whole_folder_is_no_file(tmp_path: Path) -> None:
    assert feed.read_statement_file(tmp_path).refused


CSV_FILE = (
    "Konto;DE77\n\nTag;Wer;Zweck;Wert;Stand\n26. Feb. 2026;ACME;INV-1;120,00;1.120,00\n"
    '27. März 2026;"VERMIETER; Haus";"Miete\nMärz";-900,50;219,50\n28. Mär 2026;BOLT;INV-2;0,50;220,00\n'
).encode()
CSV_COLUMNS = {"booked_on": "Tag", "counterparty": "Wer", "description": "Zweck", "amount": "Wert", "balance": "Stand"}
CSV_MAPPING = ColumnMapping(columns=CSV_COLUMNS, currency="EUR")


ALONE_FILE = CSV_FILE.split(b"Stand\n", 1)[1]
ALONE_MAPPING = ColumnMapping(
    columns={name: f"Column {place}" for place, name in enumerate(CSV_COLUMNS, start=1)},
    currency="EUR",
    has_headings=False,
)


@damage
@given(st.data(), st.sampled_from([(CSV_FILE, CSV_MAPPING), (ALONE_FILE, ALONE_MAPPING)]))
def test_delimited_files_that_are_cut_or_changed_lose_no_line_unseen(
    data: st.DataObject, of: tuple[bytes, ColumnMapping]
) -> None:
    whole, mapping = of
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 60)))
    content = whole[:start] + data.draw(st.binary(max_size=6)) + whole[end:]
    assert feed.shape_of(content) is None or mapping is ALONE_MAPPING
    found = feed.read_statement("damaged", content, mapping=mapping)
    if found.refused:
        assert found.problems[0].text
        return
    if mapping is ALONE_MAPPING:
        rows = [row for row in rows_of(decode(content)) if row.cells]
        assert sum(len(statement.entries) for statement in found.statements) == len(rows)
    for statement in found.statements:
        assert statement.opening is None or statement.closing is not None
        if statement.opening is not None and statement.closing is not None:
            assert statement.opening + sum(entry.amount for entry in statement.entries) == statement.closing


@pytest.mark.parametrize("place", [3, 4, 5])
def test_delimited_lines_that_are_lost_in_between_or_repeated_break_the_balances(place: int) -> None:
    rows = CSV_FILE.replace(b"\nM", b" M").split(b"\n")
    lost = feed.read_statement("damaged", b"\n".join(rows[:place] + rows[place + 1 :]), mapping=CSV_MAPPING)
    assert lost.refused == (place == 4), "what is lost at an end is seen by the balances of the file before or after"
    assert feed.read_statement("damaged", b"\n".join(rows[: place + 1] + rows[place:]), mapping=CSV_MAPPING).refused
