"""`truedue columns`: what the columns of an organisation's delimited statements mean."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from receivables.money import Money
from runtime.cli.files import mapping_in
from runtime.cli.opened import chosen_organisation, opened_app
from runtime.cli.printed import AS_JSON, print_result
from runtime.operations.bank_files.statement_columns import SaidColumns, forget_columns, keep_columns, kept_columns
from runtime.operations.bank_files.statement_look import Look, look
from runtime.operations.errors import InputError
from runtime.operations.organisations import OWNER

_FILE = click.Path(path_type=Path)
_ORG = click.option("--org", "organisation_id", help="The organisation's id, where there are several.")


@click.group()
def columns() -> None:
    """What the columns of delimited bank files mean, by their headings or their shape."""


@columns.command()
@_ORG
@AS_JSON
def show(organisation_id: str | None, as_json: bool) -> None:
    """Print the columns that are kept."""
    with opened_app() as app:
        chosen = chosen_organisation(app.store, organisation_id)
        with app.store.read() as db:
            every = kept_columns(db, chosen.id)
    for each in every:
        facts = {"id": each.id, **asdict(each.mapping), "set_by": each.set_by, "set_at": each.set_at.isoformat()}
        named = "; ".join(f"{name} = {heading}" for name, heading in (each.mapping.columns or {}).items())
        click.echo(json.dumps(facts) if as_json else f"{each.id} {each.mapping.account or 'no account'}: {named}")


@columns.command(name="set")
@click.argument("sample", type=_FILE)
@click.option("--columns", "said", type=_FILE, required=True, help="JSON that says what the columns mean.")
@click.option("--corrects", help="The id of kept columns that these correct.")
@click.option("--dry-run", is_flag=True, help="Only print what would be read of the sample.")
@_ORG
@AS_JSON
def set_columns(
    *, sample: Path, said: Path, corrects: str | None, dry_run: bool, organisation_id: str | None, as_json: bool
) -> None:
    """Read SAMPLE by the columns, print what is read, and keep them for files like it; imports nothing."""
    mapping = mapping_in(said)
    try:
        content = sample.read_bytes()
    except OSError as error:
        raise InputError(f"{sample}: cannot be read: {error}") from None
    found = look(name=str(sample), content=content, mapping=mapping)
    if not dry_run:
        with opened_app() as app:
            chosen = chosen_organisation(app.store, organisation_id)
            with app.store.write() as db:
                keep_columns(db, chosen.id, content, SaidColumns(mapping, corrects, OWNER), at=app.clock())
    click.echo(json.dumps(_facts(found)) if as_json else _spoken(found))


@columns.command()
@click.argument("columns_id")
@_ORG
@AS_JSON
def forget(columns_id: str, organisation_id: str | None, as_json: bool) -> None:
    """Let kept columns count no more."""
    with opened_app() as app:
        chosen = chosen_organisation(app.store, organisation_id)
        forget_columns(app, organisation_id=chosen.id, columns_id=columns_id, actor=OWNER)
    facts = {"organisation": chosen.id, "id": columns_id, "forgotten": True}
    print_result(f"{columns_id} is forgotten", facts, as_json=as_json)


def _facts(found: Look) -> dict[str, object]:
    return {
        "lines": found.count,
        "came": {"lines": found.came_count, "sums": _sums(found.came)},
        "left": {"lines": found.left_count, "sums": _sums(found.left)},
        "first": None if found.first is None else found.first.isoformat(),
        "last": None if found.last is None else found.last.isoformat(),
        "accounts": list(found.accounts),
    }


def _sums(amounts: tuple[Money, ...]) -> dict[str, str]:
    return {amount.currency: f"{amount.decimal:f}" for amount in amounts}


def _spoken(found: Look) -> str:
    came, left = (", ".join(map(str, amounts)) or "nothing" for amounts in (found.came, found.left))
    return (
        f"{found.count} lines from {found.first} to {found.last}; {found.came_count} came: {came}; "
        f"{found.left_count} left: {left}"
    )
