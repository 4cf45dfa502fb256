"""`truedue policy`: when whom is reminded how, as a file: shown, checked on real items, and set in versions."""

from __future__ import annotations

import json
from pathlib import Path

import click

from reminders.policy_book import EXAMPLES
from reminders.policy_file import write_policies
from runtime.cli.opened import chosen_organisation, opened_app, opened_store
from runtime.cli.printed import AS_JSON
from runtime.clock import system_clock
from runtime.operations.errors import InputError
from runtime.operations.organisations import OWNER
from runtime.operations.reminding import policies
from runtime.operations.reminding.policy_preview import Preview, preview, preview_json

MAX_CHANGES_SHOWN = 20
MAX_FILE_BYTES = 1 << 20  # one of policies has a few thousand
_ORG = click.option("--org", "organisation_id", help="The organisation's id, where there are several.")
_FILE = click.argument("path", type=click.Path(path_type=Path), metavar="FILE")


@click.group()
def policy() -> None:
    """When which customer is reminded how."""


@policy.command()
@_ORG
@click.option("--version", type=int, help="Show this version; the default is the one that counts.")
@click.option("--example", type=click.Choice(tuple(EXAMPLES)), help="Show a ready example instead.")
@AS_JSON
def show(organisation_id: str | None, version: int | None, example: str | None, as_json: bool) -> None:
    """Print policies as a file that `set` takes."""
    if example is not None:
        if organisation_id is not None or version is not None:
            raise InputError("--example goes alone: it is no organisation's")
        text = write_policies(EXAMPLES[example])
        click.echo(json.dumps({"example": example, "text": text}) if as_json else text, nl=as_json)
        return
    with opened_store() as store:
        chosen = chosen_organisation(store, organisation_id)
        with store.read() as db:
            known = policies.versions(db, chosen.id)
    wanted = [each for each in known if version in (None, each.version)]
    if not wanted:
        raise InputError(f"there is no version {version}; there are {', '.join(str(each.version) for each in known)}")
    if as_json:
        click.echo(json.dumps({"organisation": chosen.id, **_facts(wanted[0]), "text": wanted[0].text}))
    else:
        click.echo(wanted[0].text, nl=not wanted[0].text.endswith("\n"))


@policy.command()
@_FILE
@click.option("--org", "organisation_id", help="Weigh it on the open invoices of this organisation.")
@AS_JSON
def check(path: Path, organisation_id: str | None, as_json: bool) -> None:
    """Check a file of policies; with --org also what it would change today. Exit 2 names file, line and reason."""
    book = policies.checked(_read(path), source=str(path))
    names = [choice.policy.name for choice in book.choices]
    found = None
    if organisation_id is not None:
        with opened_store() as store:
            chosen = chosen_organisation(store, organisation_id)
            with store.read() as db:
                found = preview(db, chosen, book=book, now=system_clock())
    if as_json:
        click.echo(json.dumps({"policies": names, "preview": preview_json(found) if found else None}))
        return
    click.echo(f"{path}: {len(names)} {'policy' if len(names) == 1 else 'policies'}: {', '.join(names)}")
    if found is not None:
        _print_preview(found)


@policy.command("set")
@_FILE
@_ORG
@click.option("--by", "actor", default=OWNER, show_default=True, help="Who decides it.")
@AS_JSON
def set_(path: Path, organisation_id: str | None, actor: str, as_json: bool) -> None:
    """Let the policies of a file count from now on, as a new version."""
    text = _read(path)
    policies.checked(text, source=str(path))
    with opened_app() as app:
        chosen = chosen_organisation(app.store, organisation_id)
        made = policies.set_policies(app, organisation_id=chosen.id, text=text, source=str(path), actor=actor)
    facts = {"organisation": chosen.id, **_facts(made)}
    click.echo(json.dumps(facts) if as_json else f"version {made.version} counts for {chosen.name}")


def _read(path: Path) -> str:
    if not path.is_file():
        raise InputError(f"{path}: this is no file" if path.exists() else f"{path}: there is no such file")
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise InputError(f"{path}: this is longer than {MAX_FILE_BYTES} bytes, so no file of policies")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(f"{path}: line {line}: this is no text in UTF-8") from None


def _facts(version: policies.PolicyVersion) -> dict[str, object]:
    return {
        "version": version.version,
        "policies": [choice.policy.name for choice in version.book.choices],
        "set_by": version.set_by or None,
        "set_at": version.set_at.isoformat() if version.set_at else None,
    }


def _print_preview(found: Preview) -> None:
    click.echo(
        f"at {found.at.isoformat(timespec='minutes')}: {found.messages} messages naming {found.lines} invoices; "
        f"by the policies that count it would be {found.messages_now}"
    )
    for name, count in found.customers_by_policy:
        click.echo(f"{count:>8}  customers under {name}")
    for name, count in found.quiet_discounts:
        click.echo(
            f"{name}: of {count} open invoices no message tells of the discount in time, only the payer's page: "
            "let a level come earlier"
        )
    for each in found.changes[:MAX_CHANGES_SHOWN]:
        click.echo(f"{each.name}: {each.now} → {each.then}")
    if len(found.changes) > MAX_CHANGES_SHOWN:
        click.echo(f"and {len(found.changes) - MAX_CHANGES_SHOWN} more: --json lists them all")
