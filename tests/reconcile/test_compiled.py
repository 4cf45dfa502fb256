"""The compiled matcher, where `make compiled` made it, answers as the plain one does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.matching.files import draw_case

ROOT = Path(__file__).parents[2]
COMPILED = ROOT / "build" / "compiled"
ANSWER = """
import sys
from pathlib import Path
from types import BuiltinFunctionType
from reconcile.candidates import OpenItemIndex
from reconcile.match import propose
from runtime.operations.matching.match_files import read_history, read_open_items, read_receipts

now, history = map(Path, sys.argv[1:])
receipts = read_receipts(now / "receipts.csv")
index = OpenItemIndex(read_open_items(now / "open_items.csv"))
print(isinstance(propose, BuiltinFunctionType))
for proposal in propose(
    index=index, receipts=receipts, history=read_history(history), as_of=max(each.received_on for each in receipts)
):
    print(proposal)
"""


def answers(case: Path, *first_on_the_path: Path) -> list[str]:
    command = [sys.executable, "-P", "-c", ANSWER, str(case / "now"), str(case / "history")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (*first_on_the_path, ROOT)))}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout.splitlines()


@pytest.mark.long
@pytest.mark.skipif(not (COMPILED / ".ready").exists(), reason="`make compiled` makes it, where a C compiler is")
@pytest.mark.parametrize(("numbering", "mix"), [("sequential", "usual"), ("sparse", "shifted")])
def test_compiled_and_plain_matcher_answer_alike(tmp_path: Path, numbering: str, mix: str) -> None:
    case = draw_case(tmp_path, name="drawn", seed=5, numbering=numbering, mix=mix, items=5_000, receipts=800)
    plain, compiled = answers(tmp_path), answers(tmp_path, COMPILED)
    assert case.history is not None
    assert (plain[0], compiled[0]) == ("False", "True")
    assert len(plain) == 801
    assert compiled[1:] == plain[1:]
