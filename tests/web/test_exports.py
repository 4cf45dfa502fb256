"""Files that people take away: whole, exact, downloaded, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from runtime.operations.matching.match_files import read_open_items
from runtime.web.exports import plain
from tests.web.build import Books
from tests.web.conftest import Site


def test_what_is_open_is_downloaded_as_the_matcher_reads_it(site: Site, tmp_path: Path) -> None:
    answer = site.http.get("/o/org-a/open-items.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="open-items.csv"'
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == (
        "no-cache, no-store",
        "nosniff",
    )
    file = tmp_path / "open_items.csv"
    file.write_bytes(answer.content)
    items = {each.item_id: each for each in read_open_items(file)}
    assert set(items) == {"inv-1", "inv-2", "inv-3", "inv-4", "inv-5", "inv-6"}, "neither paid, draft nor covered"
    assert (items["inv-5"].open_amount.text(), items["inv-6"].open_amount.currency) == ("2000.00", "EUR")
    assert "inv-b" not in answer.text


@pytest.mark.parametrize("name", ['=HYPERLINK("http://evil.example")', "+1", "-1", "@SUM(1)", "\t=1", "＝1", "\n=1"])
def test_no_cell_is_taken_for_a_formula(site: Site, name: str) -> None:
    books = Books(site.app, "org-x", "X")
    books.customer("cus-x", name)
    books.invoice("inv-x", "cus-x", late=1, total=100, number=name)
    (row,) = list(csv.DictReader(io.StringIO(site.http.get("/o/org-x/open-items.csv").text)))
    assert row["customer_name"] == row["number"] == f"'{name}"
    assert plain("Acme = Sons") == "Acme = Sons"
