"""Commands that work on files alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from connectors.banks.columns import ColumnMapping, read_mapping
from connectors.banks.feed import read_statement_file, statement_file_json
from connectors.banks.fields import BankFileError
from runtime.operations.errors import InputError
from runtime.operations.matching.match_files import match_files, proposal_json, summary_json

_FILE = click.Path(path_type=Path)


@click.command()
@click.option("--open-items", "open_items", required=True, type=_FILE, help="CSV of open invoices and credit notes.")
@click.option("--receipts", required=True, type=_FILE, help="CSV of money received.")
@click.option("--history", type=_FILE, help="Folder of confirmed past work to learn from.")
@click.option("--out", type=_FILE, help="Write the JSON Lines here and one summary object to stdout.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines (the default form of this command's result).")
def match(open_items: Path, receipts: Path, history: Path | None, out: Path | None, as_json: bool) -> None:
    """Match receipts to open items: one decision a receipt."""
    run = match_files(open_items=open_items, receipts=receipts, history=history)
    lines = [json.dumps(proposal_json(proposal)) for proposal in run.proposals]
    text = "".join(f"{line}\n" for line in lines)
    if out is None:
        click.echo(text, nl=False)
        return
    out.write_text(text, encoding="utf-8")
    click.echo(json.dumps(summary_json(run), indent=None if as_json else 2))


@click.command()
@click.argument("paths", nargs=-1, required=True, type=_FILE, metavar="FILE...")
@click.option("--columns", type=_FILE, help="JSON that says what the columns of delimited files mean.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines, one a file.")
def statement(paths: tuple[Path, ...], columns: Path | None, as_json: bool) -> None:
    """Read bank statement files of any known format, whole or not at all."""
    refused = []
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path}: this is no file" if path.exists() else f"{path}: there is no such file")
    mapping = None if columns is None else mapping_in(columns)
    for path in paths:
        file = read_statement_file(path, mapping=mapping)
        read = statement_file_json(file)
        click.echo(json.dumps(read) if as_json else _describe(read))
        if file.refused:
            refused.append(file.problems[0].text)
    if refused:
        raise InputError(refused[0] if len(refused) == 1 else f"{len(refused)} files refused, first {refused[0]}")


def mapping_in(path: Path) -> ColumnMapping:
    """Read what columns mean from a file; InputError when it cannot be used."""
    try:
        return read_mapping(path.read_text(encoding="utf-8"))
    except BankFileError as error:
        raise InputError(f"{path}: {error.reason}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None


def _describe(read: dict[str, Any]) -> str:
    lines = [f"{read['file']}: {read['format'] or 'not read'}"]
    for account in read["accounts"]:
        entries = account["entries"]
        lines.append(
            f"  {account['account'] or 'account not stated'} {account['currency'] or ''}: {len(entries)} entries, "
            f"opening {account['opening'] or 'not stated'}, closing {account['closing'] or 'not stated'}"
        )
    lines += [f"  {problem['text']}" for problem in read["problems"]]
    return "\n".join(lines)
