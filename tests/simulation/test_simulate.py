"""The simulation repeats itself and holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from runtime.simulation.faults import KINDS
from runtime.simulation.run import simulate

SEED, EVENTS = 3, 100  # a seed whose hundred events have money and reminders in them
_TRUEDUE = Path(sys.executable).parent / "truedue"


def _in_another_process(seed: int) -> dict[str, Any]:
    done = subprocess.run(
        [_TRUEDUE, "simulate", "--seed", str(seed), "--events", str(EVENTS), "--json"],
        env=os.environ | {"PYTHONHASHSEED": "1"},  # nothing may depend on the order of sets
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def test_a_seed_holds_and_gives_the_same_digest_in_two_processes() -> None:
    here = simulate(seeds=[SEED], events=EVENTS)
    there = _in_another_process(SEED)
    assert {name: found for name, found in here.tally.violations.items() if found} == {}
    assert here.as_json() == there
    assert there["events"] == EVENTS
    assert there["false_reminders"] == 0
    assert set(there["faults"]) == {*KINDS, "crash"}
    asked = {name for name, count in there["invariants"].items() if count != "absent" and count["checked"]}
    assert {"money_conserved", "ledger_equals_truth", "no_false_reminder", "due_is_reminded", "inbox_ends"} <= asked
