"""Every safeguard that is switched off is noticed: a simulation is worth what it catches."""

from __future__ import annotations

import pytest

from reminders import holds
from runtime.simulation.run import simulate
from runtime.simulation.sabotages import SABOTAGES, by_name, sabotaged
from runtime.simulation.shrink import shrink

EVENTS = 400
SEEDS = 20


@pytest.mark.long
@pytest.mark.parametrize("name", [each.name for each in SABOTAGES])
def test_a_sabotage_is_caught_within_twenty_seeds(name: str) -> None:
    assert any(not simulate(seeds=[seed], events=EVENTS, sabotage=name).holds for seed in range(1, SEEDS + 1))


@pytest.mark.parametrize(
    ("name", "invariant"),
    [
        ("webhook-signature", "forged_changes_nothing"),
        ("secrets-not-logged", "no_secret_in_logs"),
        ("token-kept", "no_needless_refresh"),
    ],
)
def test_a_sabotage_violates_what_it_guards(name: str, invariant: str) -> None:
    result = simulate(seeds=[1], events=60, sabotage=name)
    assert result.tally.violations[invariant]


def test_a_failing_seed_is_shrunk_to_a_run_that_fails_again() -> None:
    found = shrink(1, 20, sabotage="secrets-not-logged")
    assert found is not None
    assert found.events < 20
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
