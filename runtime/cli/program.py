"""The program `truedue`: its commands, and how every failure becomes one clear line and an exit code."""

from __future__ import annotations

import importlib
import sys

import click

from runtime.operations.errors import InputError

EXIT_BAD_INPUT = 2
_COMMANDS = {
    "runtime.cli.channels": ("channel", "contact"),
    "runtime.cli.certificates": ("certificate",),
    "runtime.cli.charges": ("charges",),
    "runtime.cli.columns": ("columns",),
    "runtime.cli.files": ("match", "statement"),
    "runtime.cli.keys": ("key",),
    "runtime.cli.members": ("people",),
    "runtime.cli.people": ("connect", "disconnect", "sync", "doctor"),
    "runtime.cli.policies": ("policy",),
    "runtime.cli.problems": ("problems",),
    "runtime.cli.reminding": ("remind",),
    "runtime.cli.servers": ("serve", "worker", "demo", "sandbox"),
    "runtime.cli.settings": ("settings",),
    "runtime.cli.simulation": ("simulate",),
    "runtime.cli.sync": ("conflicts", "links", "owners"),
}
_MODULES = {command: module for module, commands in _COMMANDS.items() for command in commands}


class _Commands(click.Group):
    """Imports a command's module when it is asked for: what works on files alone waits for no server's imports."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name every command."""
        return sorted(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, the function of its name in its module."""
        if cmd_name not in _MODULES:
            return None
        command: click.Command = getattr(importlib.import_module(_MODULES[cmd_name]), cmd_name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="truedue")
def program() -> None:
    """TrueDue: reminders only of what is truly due, inside Xero, QuickBooks and Salesforce."""


def main() -> None:
    """Run a command: exit 0 on success, 1 when what was checked does not hold, 2 on bad input with one line."""
    try:
        result = program.main(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        _refuse(f"name a command; `{error.ctx.command_path} --help` lists them")
    except click.ClickException as error:
        _refuse(error.format_message())
    except click.Abort:
        sys.exit(130)
    except InputError as error:
        _refuse(str(error))
    except Exception as error:
        from runtime.cli.refusals import refusal  # noqa: PLC0415 - imports the whole product to know its errors

        line = refusal(error)
        if line is None:
            raise
        _refuse(line)
    sys.exit(result if isinstance(result, int) else 0)


def _refuse(text: str) -> None:
    click.echo(f"truedue: {' '.join(text.split())}", err=True)
    sys.exit(EXIT_BAD_INPUT)
