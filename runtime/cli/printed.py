"""How commands print counts."""

from __future__ import annotations

import json
from collections import Counter

import click


def print_counts(counted: Counter[str], *, as_json: bool) -> None:
    """Print what was done and how much of it: a table, or one object."""
    if as_json:
        click.echo(json.dumps(dict(sorted(counted.items()))))
        return
    for name, count in sorted(counted.items()):
        click.echo(f"{count:>8}  {name.replace('_', ' ')}")
