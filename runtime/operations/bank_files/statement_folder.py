"""A watched folder: bank files that are put into an organisation's own are read, and moved out of the way."""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from connectors.banks.fields import MAX_FILE_BYTES
from receivables.problem import Problem
from runtime.app import App
from runtime.operations.bank_files.import_statement import import_statement
from runtime.operations.errors import InputError
from runtime.operations.isolated import isolated
from runtime.operations.work import organisation_ids
from runtime.store import journal

MAX_FILES = 100  # of one organisation at one look; the rest follow at the next
QUIET_SECONDS = 5.0  # a file that was written to since may not be whole yet
MAX_NAME_CHARS = 120
TAKEN, REFUSED = "taken", "refused"
STATEMENT_REFUSED = "statement_refused"
_UNFINISHED = (".part", ".tmp")


def take_in_files(app: App) -> Counter[str]:
    """Read the files in the folder of each organisation, if a folder is set; returns how many were taken and refused.

    A file is moved after its receipts are stored. Whatever happens between, it is read again, which adds nothing.
    """
    counted: Counter[str] = Counter()
    if not app.settings.statement_folder:
        return counted
    root = Path(app.settings.statement_folder)
    for organisation_id in organisation_ids(app):
        with (
            isolated(app, organisation_id, "reading bank files"),
            app.turns.take(f"bank files {organisation_id}") as is_ours,
        ):
            for file in _waiting(root / organisation_id) if is_ours else ():
                counted[_take_in(app, organisation_id, file)] += 1
    return counted


def _waiting(folder: Path) -> Iterator[Path]:
    """The files that are whole, as far as one can tell, the oldest name first."""
    if not folder.is_dir():
        return
    # The time of a file is the machine's, whatever clock the product was given.
    latest = time.time() - QUIET_SECONDS
    with os.scandir(folder) as entries:
        names = sorted(
            entry.name
            for entry in entries
            if not entry.name.startswith(".")
            and not entry.name.lower().endswith(_UNFINISHED)
            and entry.is_file(follow_symlinks=False)
            and entry.stat(follow_symlinks=False).st_mtime <= latest
        )
    yield from (folder / name for name in names[:MAX_FILES])


def _take_in(app: App, organisation_id: str, file: Path) -> str:
    name = file.name[-MAX_NAME_CHARS:]
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise InputError(f"{name}: a bank file has at most {MAX_FILE_BYTES // 2**20} MiB")
        content = file.read_bytes()
        import_statement(app, organisation_id=organisation_id, name=name, content=content)
    except InputError as error:
        refused = _move(file, REFUSED)
        refused.with_name(f"{refused.name}.reason.txt").write_text(f"{error}\n", encoding="utf-8")
        _tell(app, organisation_id, name, str(error))
        return REFUSED
    _move(file, TAKEN)
    with app.store.write() as db:
        journal.resolve_problem(
            db, organisation_id=organisation_id, code=STATEMENT_REFUSED, subject=name, at=app.clock()
        )
    return TAKEN


def _move(file: Path, where: str) -> Path:
    """Move a file into a folder beside it, under a name of its own: no earlier file is overwritten."""
    folder = file.parent / where
    folder.mkdir(exist_ok=True)
    target = folder / file.name
    if target.exists():
        digest = hashlib.sha256(f"{file.name} {time.time_ns()}".encode()).hexdigest()[:12]
        target = folder / f"{file.stem}.{digest}{file.suffix}"
    return file.replace(target)


def _tell(app: App, organisation_id: str, name: str, why: str) -> None:
    remedy = "Ask the bank for the file again, or export it in another format, and put it into the folder."
    problem = Problem(STATEMENT_REFUSED, f"A bank file was refused: {why}", remedy, name)
    with app.store.write() as db:
        journal.raise_problem(db, organisation_id=organisation_id, problem=problem, at=app.clock())
