"""`truedue simulate`: seeded runs of the whole product against the stand-ins."""

from __future__ import annotations

import json
import sys

import click
from rich.console import Console
from rich.progress import track

from runtime.operations.errors import InputError


@click.command()
@click.option("--seed", type=int, help="One seed.")
@click.option("--seeds", help="A range of seeds, such as 1-20.")
@click.option("--events", default=200, show_default=True, type=click.IntRange(1, 1_000_000), help="Steps a seed.")
@click.option("--sabotage", help="Switch this safeguard off; some seed should then fail.")
@click.option("--list-sabotages", is_flag=True, help="Print the safeguards, a name a line first on the line.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def simulate(
    *, seed: int | None, seeds: str | None, events: int, sabotage: str | None, list_sabotages: bool, as_json: bool
) -> int:
    """Play the sample company with faults and check what must hold. Exit 1 when something does not."""
    from runtime.simulation.run import simulate as play  # noqa: PLC0415 - only this command knows the sandbox
    from runtime.simulation.sabotages import SABOTAGES  # noqa: PLC0415

    names = {each.name: each.safeguard for each in SABOTAGES}
    if list_sabotages:
        for name, safeguard in names.items():
            click.echo(f"{name}  {safeguard}")
        return 0
    if sabotage is not None and sabotage not in names:
        raise InputError(f"--sabotage {sabotage}: unknown; see --list-sabotages")
    wanted = _seeds(seed, seeds)
    console = Console(file=sys.stderr)
    steps = iter(track(range(len(wanted) * events), description="Simulating", console=console))

    def advance(_count: int) -> None:
        next(steps, None)

    result = play(seeds=wanted, events=events, sabotage=sabotage, progress=advance)
    click.echo(json.dumps(result.as_json(), indent=None if as_json else 2))
    return 0 if result.holds else 1


def _seeds(seed: int | None, seeds: str | None) -> list[int]:
    if (seed is None) == (seeds is None):
        raise InputError("give --seed N or --seeds A-B")
    if seed is not None:
        return [seed]
    first, _, last = (seeds or "").partition("-")
    if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
        raise InputError(f"--seeds {seeds}: not a range such as 1-20")
    return list(range(int(first), int(last) + 1))


COMMANDS: tuple[click.Command, ...] = (simulate,)
