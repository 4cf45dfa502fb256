"""Every safeguard that is switched off is noticed: a simulation is worth what it catches."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reminders import holds
from runtime.simulation.autopay import OFFERED
from runtime.simulation.charges import CHARGED
from runtime.simulation.discounts import GIVEN
from runtime.simulation.faults import KINDS
from runtime.simulation.histories import HISTORIES
from runtime.simulation.invariants import NUMBERS
from runtime.simulation.payers import PAGE_ACTS
from runtime.simulation.run import NIGHTS, SUITE_EVENTS, SUITE_SEEDS, VISITS, Result, simulate
from runtime.simulation.sabotages import SABOTAGES, Sabotage, by_name, sabotaged
from runtime.simulation.shrink import shrink
from runtime.simulation.stage import ABROAD
from sandbox.life.life import ACT_NAMES

EVENTS, QUICK_EVENTS, QUICK_SEEDS = 500, 60, range(1, 6)
SEEDS = 20
PAGE = Path(__file__).parents[2] / "docs" / "simulation.md"
_NOTICED = re.compile(r"`([\w-]+)`(?: \|)? \((?:one of )?(\d+)(?: to \d+)?, (\d+)\)")
NUMBERED = [*range(1, 30), 33, 34, 35, 36]  # 30 and 31 are about the runs themselves, 32 is this file


@pytest.mark.long
@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda each: each.name)
def test_a_sabotage_is_caught_within_twenty_seeds(sabotage: Sabotage) -> None:
    likely, events = _as_the_page_says()[sabotage.name]
    seeds = sorted(range(1, SEEDS + 1), key=lambda seed: seed != likely)
    assert any(
        sabotage.invariant in _violated(simulate(seeds=[seed], events=events, sabotage=sabotage.name)) for seed in seeds
    )


def _as_the_page_says() -> dict[str, tuple[int, int]]:
    """By which seed, with how many events, the page of the simulation says that each sabotage was noticed."""
    page = PAGE.read_text(encoding="utf-8")
    told = {name: (int(seed), int(events)) for name, seed, events in _NOTICED.findall(page)}
    return {each.name: told.get(each.name, (1, EVENTS)) for each in SABOTAGES}


def test_the_page_names_every_sabotage() -> None:
    assert [each.name for each in SABOTAGES if f"`{each.name}`" not in PAGE.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("name", ["webhook-signature", "secrets-not-logged", "token-kept", "only-our-fields"])
def test_a_sabotage_violates_what_it_guards(name: str) -> None:
    runs = (simulate(seeds=[seed], events=QUICK_EVENTS, sabotage=name) for seed in QUICK_SEEDS)
    assert any(by_name(name).invariant in _violated(result) for result in runs)


def test_what_a_sabotage_lets_happen_more_often_can_happen() -> None:
    known = {*KINDS, *ACT_NAMES, *PAGE_ACTS, VISITS, NIGHTS, OFFERED, GIVEN, HISTORIES, CHARGED, ABROAD}
    assert {name for each in SABOTAGES for name in each.often} <= known


def test_every_invariant_is_checked() -> None:
    assert sorted({number for numbers in NUMBERS.values() for number in numbers}) == NUMBERED


def test_every_invariant_has_a_safeguard_to_switch_off() -> None:
    assert sorted({each.invariant for each in SABOTAGES}) == NUMBERED


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_suite_passes_nothing_over(is_whole: bool) -> None:
    shown = Result(seeds=list(range(SUITE_SEEDS)), events=SUITE_EVENTS, whole=is_whole)
    shown.faults.update({"webhook_drop": 3, "crash": 0})
    shown.tally.note("money_conserved", 7, [])
    shown.tally.note("quiet_hours", 0, [])
    told = shown.as_json()["invariants"]
    assert told["quiet_hours"] == "absent"
    assert shown.holds is not is_whole, "what was left out on purpose is missed by nobody"
    passed_over = ["crash never fired", "quiet_hours was never checked"]
    assert (told.get("nothing_passed_over") or {}).get("violations") == (passed_over if is_whole else None)


def _violated(result: Result) -> set[int]:
    found = [name for name, violations in result.tally.violations.items() if violations]
    return {number for name in found for number in NUMBERS[name]}


def test_a_failing_seed_is_shrunk_to_a_run_that_fails_again() -> None:
    found = shrink(1, 8, sabotage="secrets-not-logged")
    assert found is not None
    assert found.events < 8
    assert len(found.trace) == found.events
    again = simulate(
        seeds=[found.seed], events=found.events, sabotage="secrets-not-logged", without=frozenset(found.without)
    )
    assert {name: those for name, those in again.tally.violations.items() if those} == found.violations


def test_a_seed_that_holds_is_not_shrunk() -> None:
    assert shrink(1, 10) is None


def test_a_sabotage_ends_with_its_run() -> None:
    before = holds._CHECKS
    with sabotaged("hold-settled"):
        assert len(holds._CHECKS) == len(before) - 1
    assert before == holds._CHECKS
    with pytest.raises(KeyError):
        by_name("nonsense")
    assert len({each.name for each in SABOTAGES}) == len(SABOTAGES)
