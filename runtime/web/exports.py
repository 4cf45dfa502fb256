"""Data taken away as files: comma-separated, always downloaded, and without what a spreadsheet would carry out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from starlette.responses import Response

from runtime.operations.matching.match_files import OPEN_ITEM_COLUMNS
from runtime.operations.matching.open_items import open_documents
from runtime.web.access import EXPORT, routes
from runtime.web.running import Running
from runtime.web.staff import organisation_or_404

ROUTES = routes("exports")
# What a spreadsheet takes for a formula when a cell begins with it. Source: OWASP, CSV Injection.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@ROUTES.get("/o/{organisation_id}/open-items.csv", dependencies=[EXPORT])
def download_open_items(app: Running, organisation_id: str) -> Response:
    """Give what is open now, in the columns that `truedue match` reads."""
    with app.store.read() as db:
        organisation_or_404(db, organisation_id)
        items = [each.item() for each in open_documents(db, organisation_id)]
    rows = (
        (
            item.item_id,
            item.kind.value,
            item.number,
            "|".join(item.references),
            item.customer_id,
            item.customer_name,
            item.open_amount.currency,
            item.open_amount.text(),
            item.issued_on.isoformat(),
            item.due_on.isoformat(),
        )
        for item in items
        if item.open_amount
    )
    return download("open-items.csv", OPEN_ITEM_COLUMNS, rows)


def download(name: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Response:
    """Return a file of comma-separated values (RFC 4180) that a browser keeps instead of showing it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([plain(cell) for cell in row] for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def plain(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: an apostrophe goes before what begins like one."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
