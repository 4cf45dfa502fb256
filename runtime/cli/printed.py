"""How commands print what they did: words for people, JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping

import click

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
EACH_AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line.")


def print_result(said: str, facts: Mapping[str, object], *, as_json: bool) -> None:
    """Print what was done: a line, or one object."""
    click.echo(json.dumps(facts) if as_json else said)


def print_counts(counted: Counter[str], *, as_json: bool) -> None:
    """Print what was done and how much of it: a table, or one object."""
    if as_json:
        click.echo(json.dumps(dict(sorted(counted.items()))))
        return
    for name, count in sorted(counted.items()):
        click.echo(f"{count:>8}  {name.replace('_', ' ')}")
