"""`truedue key`: the key that seals tokens and signs portal links."""

from __future__ import annotations

import base64
import json
import os

import click

from connectors import registry
from runtime.cli.opened import opened_app
from runtime.cli.printed import AS_JSON, print_result
from runtime.operations.errors import InputError
from runtime.operations.people.rotate_key import rotate_key
from runtime.settings import KEY_BYTES, load


@click.group()
def key() -> None:
    """The key that seals tokens and signs portal links."""


@key.command("new")
@AS_JSON
def key_new(as_json: bool) -> None:
    """Print a new random key for TRUEDUE_KEY."""
    made = base64.b64encode(os.urandom(KEY_BYTES)).decode()
    print_result(made, {"key": made}, as_json=as_json)


@key.command("rotate")
@AS_JSON
def key_rotate(as_json: bool) -> int:
    """Seal every token with TRUEDUE_KEY that one of TRUEDUE_OLD_KEYS sealed. Exit 1 when some stay closed."""
    with opened_app() as app:
        rotation = rotate_key(app)
    if as_json:
        closed = [{"system": system, "consent": consent} for system, consent in rotation.closed]
        click.echo(json.dumps({"sealed_anew": rotation.sealed_anew, "closed": closed}))
        return 1 if closed else 0
    click.echo(f"{rotation.sealed_anew} consents sealed with the new key")
    for system, consent in rotation.closed:
        click.echo(f"{system} {consent}: no key given opens it; name its key in TRUEDUE_OLD_KEYS, or connect again")
    return 1 if rotation.closed else 0


@key.command("knock")
@click.argument("account")
@click.option("--system", default="salesforce", show_default=True, help="Where the package is installed.")
@AS_JSON
def key_knock(account: str, system: str, as_json: bool) -> None:
    """Print the key with which our package in an ACCOUNT (a Salesforce org's id) tells us of changes at once."""
    settings = load()
    make = registry.declaration(system).knock_key if system in registry.SYSTEMS else None
    if make is None:
        raise InputError(f"{system} has no package of ours that tells of changes")
    secret = settings.webhook_secret(system)
    if not secret:
        raise InputError(f"TRUEDUE_{system.upper()}_WEBHOOK_SECRET is not set: set it to a long random text first")
    if not account.isascii() or not account.isalnum() or len(account) not in (15, 18):
        raise InputError(f"{account!r} is no org's id: it has 15 or 18 letters and digits and begins with 00D")
    made = make(secret, account)
    print_result(made, {"system": system, "account": account, "key": made}, as_json=as_json)
