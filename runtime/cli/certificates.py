"""`truedue certificate`: the proofs behind the reminders, taken out of the store and checked without it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from runtime.cli.opened import chosen_organisation, opened_store
from runtime.cli.printed import AS_JSON
from runtime.operations.errors import InputError
from runtime.operations.reminding.certificates import Verdict, stored, verify_certificates, verify_file

_ORG = click.option("--org", "organisation_id", help="The organisation's id, where there are several.")


@click.group()
def certificate() -> None:
    """The proofs behind the reminders."""


@certificate.command()
@_ORG
@click.option("--json", "as_json", is_flag=True, help="JSON Lines (the only form of this command's result).")
def export(organisation_id: str | None, as_json: bool) -> None:
    """Print an organisation's certificates, oldest first, as JSON Lines that `verify FILE` reads."""
    del as_json  # it is JSON in any case
    with opened_store() as store:
        chosen = chosen_organisation(store, organisation_id)
        with store.read() as db:
            for sealed in stored(db, chosen.id):
                click.echo(json.dumps(sealed.as_json(), ensure_ascii=False))


@certificate.command()
@click.argument("path", required=False, type=click.Path(path_type=Path), metavar="[FILE]")
@_ORG
@click.option("--head", help="The last digest, as it was kept elsewhere: only so does a cut end show.")
@AS_JSON
def verify(path: Path | None, organisation_id: str | None, head: str | None, as_json: bool) -> int:
    """Check a chain of certificates: each one's own digest, and that each follows the one before it.

    With FILE, nothing but the file is needed: no database, no settings. Exit 1 names the first that is broken.
    """
    if path is not None:
        if organisation_id is not None:
            raise InputError("name a file or --org, not both")
        found = verify_file(path, head=head)
    else:
        with opened_store() as store:
            chosen = chosen_organisation(store, organisation_id)
            found = verify_certificates(store, chosen.id, head=head)
    click.echo(json.dumps(_facts(found)) if as_json else _spoken(found))
    return 0 if found.problem is None else 1


def _facts(found: Verdict) -> dict[str, object]:
    problem = found.problem
    return {
        "certificates": found.count,
        "ok": problem is None,
        "head": found.head,
        "problem": problem.text if problem else None,
        "digest": problem.subject if problem else None,
    }


def _spoken(found: Verdict) -> str:
    if found.problem is not None:
        return f"{found.problem.text} ({found.problem.subject})"
    return f"{found.count} certificates, chain whole" + (f", last digest {found.head}" if found.head else "")
