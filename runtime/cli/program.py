"""The program `truedue`: its commands, and how every failure becomes one clear line and an exit code."""

from __future__ import annotations

import sys

import click
from sqlalchemy.exc import DBAPIError

from connectors.errors import ConnectorError
from receivables.money import MoneyError
from runtime.cli import files, people, servers
from runtime.operations.errors import InputError, RefusedError
from runtime.settings import SettingsError
from runtime.store.engine import StoreAddressError
from runtime.vault import VaultError

EXIT_DOES_NOT_HOLD = 1
EXIT_BAD_INPUT = 2
_BAD_INPUT = (InputError, RefusedError, SettingsError, StoreAddressError, VaultError, MoneyError, ConnectorError)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="truedue")
def program() -> None:
    """TrueDue: reminders only of what is truly due, inside Xero, QuickBooks and Salesforce."""


for command in (*files.COMMANDS, *people.COMMANDS, *servers.COMMANDS):
    program.add_command(command)


def main() -> None:
    """Run a command: exit 0 on success, 1 when what was checked does not hold, 2 on bad input with one line."""
    try:
        result = program.main(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        _refuse(f"name a command; `{error.ctx.command_path} --help` lists them" if error.ctx else "name a command")
    except click.ClickException as error:
        _refuse(error.format_message())
    except click.Abort:
        sys.exit(130)
    except _BAD_INPUT as error:
        _refuse(str(error))
    except DBAPIError as error:
        _refuse(f"the database does not answer: {_first_line(str(error.orig))}")
    except OSError as error:
        _refuse(f"{error.filename or ''}: {error.strerror or error}".removeprefix(": "))
    sys.exit(result if isinstance(result, int) else 0)


def _refuse(text: str) -> None:
    click.echo(f"truedue: {_first_line(text)}", err=True)
    sys.exit(EXIT_BAD_INPUT)


def _first_line(text: str) -> str:
    return " ".join(text.split())
