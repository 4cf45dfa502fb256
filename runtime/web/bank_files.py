"""The page of statement files, and the page on which a person says what the columns of one mean."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

from fastapi import Form, HTTPException, Query, UploadFile
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from connectors.banks.columns import ColumnMapping, guessed
from connectors.banks.table import MAX_PREAMBLE_ROWS
from runtime.app import App
from runtime.operations.bank_files.import_statement import Imported, UnclearStatementError, import_statement
from runtime.operations.bank_files.pending_statements import (
    MAX_COLUMNS,
    PendingStatement,
    drop_pending,
    keep_pending,
    pending_statement,
    pending_statements,
    take_pending,
)
from runtime.operations.bank_files.statement_columns import (
    KeptColumns,
    SaidColumns,
    fitting,
    forget_columns,
    kept_columns,
)
from runtime.operations.bank_files.statement_look import look
from runtime.operations.errors import InputError
from runtime.operations.views.receipts import statements
from runtime.web import words
from runtime.web.access import MATCH, SEE, Who, routes
from runtime.web.pages import go, page
from runtime.web.running import Running
from runtime.web.staff import organisation_or_404
from runtime.web.work import known

MAX_NAME_CHARS = 200
EXAMPLES = 3  # values of each column
ROUTES = routes("statements")


class Said(BaseModel):
    """What a person says of a file: the place of its headings among its first rows, if any, and what columns mean."""

    model_config = ConfigDict(extra="ignore")

    step: str = ""
    headings: Annotated[int, Field(ge=0, lt=MAX_PREAMBLE_ROWS)] | Literal["none"] | None = None
    means: Annotated[list[Annotated[str, Field(max_length=32)]], Field(max_length=MAX_COLUMNS)] = []
    date_order: str = ""
    decimal_mark: str = ""
    account: Annotated[str, Field(max_length=64)] = ""
    currency: Annotated[str, Field(max_length=3)] = ""
    reversed: bool = False
    replaces: Annotated[str, Field(max_length=64)] = ""

    def columns(self, labels: tuple[str, ...], *, has_headings: bool, actor: str) -> SaidColumns:
        """What it means for a file whose columns are called so; InputError where two columns mean the same."""
        named = [(name, label) for name, label in zip(self.means, labels, strict=False) if name]
        for name, count in Counter(name for name, _ in named).items():
            if count > 1:
                raise InputError(f"{words.label(words.COLUMNS, name)}: {count} columns cannot both be that")
        mapping = ColumnMapping(
            columns=dict(named),
            account="".join(self.account.split()) or None,
            currency=self.currency.strip().upper() or None,
            date_order=self.date_order or None,
            decimal_mark=self.decimal_mark or None,
            is_reversed=self.reversed,
            has_headings=has_headings,
        )
        return SaidColumns(mapping, self.replaces or None, actor)


@ROUTES.get("/o/{organisation_id}/statements", dependencies=[SEE])
def show_statements(app: Running, organisation_id: str, notice: str = "") -> Response:
    """Show the form for statement files, those taken in, those that wait, and the columns that are kept."""
    return _statements(app, organisation_id, notice=notice)


@ROUTES.post("/o/{organisation_id}/statements", dependencies=[MATCH])
def take_statement(app: Running, organisation_id: str, file: UploadFile) -> Response:
    """Take in a statement file; one whose columns nobody knows waits until a person has said what they mean."""
    known(app, organisation_id)
    name = (file.filename or "")[-MAX_NAME_CHARS:]
    content = file.file.read()
    if not name or not content:
        raise InputError("choose a statement file first")
    try:
        imported = import_statement(app, organisation_id=organisation_id, name=name, content=content)
    except UnclearStatementError:
        pending_id = keep_pending(app, organisation_id=organisation_id, name=name, content=content)
        if pending_id is None:
            raise
        return go(f"/o/{organisation_id}/statements/{pending_id}")
    return _statements(app, organisation_id, imported=imported, name=name)


@ROUTES.get("/o/{organisation_id}/statements/{pending_id}", dependencies=[SEE])
def show_columns(
    app: Running, who: Who, organisation_id: str, pending_id: str, said: Annotated[Said, Query()]
) -> Response:
    """Show the first rows of a file that waits, what is said of its columns, and what would be read so."""
    return _columns(app, organisation_id, pending_id, said, actor=who)


@ROUTES.post("/o/{organisation_id}/statements/{pending_id}", dependencies=[MATCH])
def take_columns(
    app: Running, who: Who, organisation_id: str, pending_id: str, said: Annotated[Said, Form()]
) -> Response:
    """Take a file in that waited, and keep what was said of its columns."""
    pending, _ = _pending(app, organisation_id, pending_id)
    try:
        headings = _headings(pending, said)
        columns = said.columns(pending.labels(headings), has_headings=headings is not None, actor=who)
        imported = take_pending(app, organisation_id=organisation_id, pending=pending, said=columns)
    except InputError as error:
        return _columns(app, organisation_id, pending_id, said, actor=who, wrong=str(error))
    return _statements(app, organisation_id, imported=imported, name=pending.file)


@ROUTES.post("/o/{organisation_id}/statements/{pending_id}/drop", dependencies=[MATCH], status_code=303)
def drop(app: Running, organisation_id: str, pending_id: str) -> Response:
    """Let a file wait no more."""
    _pending(app, organisation_id, pending_id)
    drop_pending(app, organisation_id=organisation_id, pending_id=pending_id)
    return go(f"/o/{organisation_id}/statements", "file_dropped")


@ROUTES.post("/o/{organisation_id}/columns/{columns_id}/forget", dependencies=[MATCH], status_code=303)
def forget(app: Running, who: Who, organisation_id: str, columns_id: str) -> Response:
    """Let kept columns count no more."""
    known(app, organisation_id)
    forget_columns(app, organisation_id=organisation_id, columns_id=columns_id, actor=who)
    return go(f"/o/{organisation_id}/statements", "columns_forgotten")


def _statements(
    app: App, organisation_id: str, *, imported: Imported | None = None, name: str = "", notice: str = ""
) -> Response:
    with app.store.read() as db:
        return page(
            "statements.html",
            organisation=organisation_or_404(db, organisation_id),
            files=statements(db, organisation_id),
            waiting=pending_statements(db, organisation_id),
            kept=kept_columns(db, organisation_id),
            imported=imported,
            name=name,
            notice=notice,
        )


def _pending(app: App, organisation_id: str, pending_id: str) -> tuple[PendingStatement, list[KeptColumns]]:
    """Return a file that waits, and the columns that are kept for its headings."""
    with app.store.read() as db:
        organisation_or_404(db, organisation_id)
        pending = pending_statement(db, organisation_id, pending_id)
        if pending is None:
            raise HTTPException(404)
        return pending, fitting(db, organisation_id, pending.content)


def _headings(pending: PendingStatement, said: Said) -> int | None:
    """The place of the row of headings, None where there is none."""
    place = pending.headings if said.headings is None else said.headings
    return None if place is None or place == "none" else min(place, len(pending.rows) - 1)


def _columns(app: App, organisation_id: str, pending_id: str, said: Said, *, actor: str, wrong: str = "") -> Response:
    pending, kept = _pending(app, organisation_id, pending_id)
    organisation = known(app, organisation_id)
    headings = _headings(pending, said)
    labels = pending.labels(headings)
    found = None
    if said.step == "look" and not wrong:
        try:
            columns = said.columns(labels, has_headings=headings is not None, actor=actor)
            found = look(name=pending.file, content=pending.content, mapping=columns.mapping)
        except InputError as error:
            wrong = str(error)
    if not said.means:
        said = _begun(pending, headings, kept, organisation.base_currency)
    following = [(*row.cells, *[""] * len(labels))[: len(labels)] for row in pending.below(headings)[:EXAMPLES]]
    return page(
        "statement_columns.html",
        status=400 if wrong else 200,
        organisation=organisation,
        pending=pending,
        kept=kept,
        headings=headings,
        labels=labels,
        examples=[[cells[place] for cells in following] for place in range(len(labels))],
        said=said,
        found=found,
        wrong=wrong,
    )


def _begun(pending: PendingStatement, headings: int | None, kept: list[KeptColumns], currency: str) -> Said:
    """What the form begins with: what is kept for these headings, or what they seem to mean."""
    labels = pending.labels(headings)
    cells = labels if headings is None else pending.rows[headings].cells
    mapping = kept[0].mapping if kept else ColumnMapping(columns=guessed(cells))
    meant = {label: name for name, label in (mapping.columns or {}).items()}
    return Said.model_validate(
        {
            "headings": "none" if headings is None else headings,
            "means": [meant.get(label, "") for label in labels],
            "date_order": mapping.date_order or "",
            "decimal_mark": mapping.decimal_mark or "",
            "account": mapping.account or "",
            "currency": mapping.currency or ("" if "currency" in meant.values() else currency),
            "reversed": mapping.is_reversed,
            "replaces": kept[0].id if kept else "",
        }
    )
