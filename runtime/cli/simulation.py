"""`truedue simulate`: seeded runs of the whole product against the stand-ins."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import track

from runtime.operations.errors import InputError

if TYPE_CHECKING:
    from runtime.simulation.run import Result

MAX_SEEDS = 100_000


@click.command()
@click.option("--seed", type=int, help="One seed.")
@click.option("--seeds", help="A range of seeds, such as 1-20.")
@click.option("--events", default=200, show_default=True, type=click.IntRange(1, 1_000_000), help="Steps a seed.")
@click.option(
    "--invoices",
    default=0,
    type=click.IntRange(0, 10_000),
    help="Open invoices that each firm begins with; it lives for weeks.",
)
@click.option("--sabotage", help="Switch this safeguard off; some seed should then fail.")
@click.option("--list-sabotages", is_flag=True, help="Print the safeguards, a name a line first on the line.")
@click.option("--without", default="", help="Kinds of faults to leave out, with commas between.")
@click.option("--shrink", "wants_shrunk", is_flag=True, help="Shrink the first failing seed and print its trace.")
@click.option("--jobs", default=0, type=click.IntRange(0, 256), help="Processes; one for each core unless given.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def simulate(
    *,
    seed: int | None,
    seeds: str | None,
    events: int,
    invoices: int,
    sabotage: str | None,
    list_sabotages: bool,
    without: str,
    wants_shrunk: bool,
    jobs: int,
    as_json: bool,
) -> int:
    """Let two firms live with faults around them and check what must hold. Exit 1 when something does not."""
    from runtime.simulation.faults import KINDS  # noqa: PLC0415 - only this command knows the sandbox
    from runtime.simulation.run import Result  # noqa: PLC0415
    from runtime.simulation.sabotages import SABOTAGES  # noqa: PLC0415

    names = {each.name: each.safeguard for each in SABOTAGES}
    if list_sabotages:
        for name, safeguard in names.items():
            click.echo(f"{name}  {safeguard}")
        return 0
    if sabotage is not None and sabotage not in names:
        raise InputError(f"--sabotage {sabotage}: unknown; see --list-sabotages")
    left_out = frozenset(name for name in without.split(",") if name)
    if unknown := sorted(left_out - KINDS.keys()):
        raise InputError(f"--without {unknown[0]}: unknown; the kinds are {', '.join(KINDS)}")
    total, failing = Result(), None
    play = partial(_play, events=events, sabotage=sabotage, without=left_out, invoices=invoices)
    for result in _played(_seeds(seed, seeds), play, jobs or os.cpu_count() or 1):
        total.add(result)
        if not result.holds and failing is None:
            failing = result.seeds[0]
    click.echo(json.dumps(total.as_json(), indent=None if as_json else 2))
    if wants_shrunk and failing is not None:
        _tell_shrunk(failing, events, sabotage, invoices)
    return 0 if total.holds else 1


def _played(seeds: Sequence[int], play: Callable[[int], Result], jobs: int) -> Iterator[Result]:
    """Play the seeds, several at once, and give each one's result in their order."""
    console = Console(file=sys.stderr)
    if len(seeds) == 1:
        yield play(seeds[0])
        return
    with ProcessPoolExecutor(min(jobs, len(seeds))) as pool:
        yield from track(pool.map(play, seeds), "Simulating", total=len(seeds), console=console)


def _play(seed: int, *, events: int, sabotage: str | None, without: frozenset[str], invoices: int) -> Result:
    from runtime.simulation.run import simulate as play  # noqa: PLC0415 - only this command knows the sandbox

    return play(seeds=[seed], events=events, sabotage=sabotage, without=without, invoices=invoices)


def _tell_shrunk(seed: int, events: int, sabotage: str | None, invoices: int) -> None:
    from runtime.simulation.shrink import shrink  # noqa: PLC0415 - only this command knows the sandbox

    progress = partial(click.echo, err=True)
    found = shrink(seed, events, sabotage=sabotage, invoices=invoices, progress=progress)
    if found is None:
        return
    options = [f"--seed {found.seed} --events {found.events}"]
    options += [f"--without {','.join(found.without)}"] if found.without else []
    options += [f"--invoices {invoices}"] if invoices else []
    options += [f"--sabotage {sabotage}"] if sabotage else []
    click.echo("\n".join(found.trace), err=True)
    click.echo(json.dumps(found.violations, indent=2), err=True)
    click.echo(f"again: truedue simulate {' '.join(options)}", err=True)


def _seeds(seed: int | None, seeds: str | None) -> list[int]:
    if (seed is None) == (seeds is None):
        raise InputError("give --seed N or --seeds A-B")
    if seed is not None:
        return [seed]
    first, _, last = (seeds or "").partition("-")
    if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last) < int(first) + MAX_SEEDS):
        raise InputError(f"--seeds {seeds}: not a range such as 1-20")
    return list(range(int(first), int(last) + 1))


COMMANDS: tuple[click.Command, ...] = (simulate,)
