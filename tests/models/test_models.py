"""The models hold in every state that they reach, and without any one safeguard they do not."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from tests.models import outbox, send_gate
from tests.models.explore import Explored, explore


def _outbox(rules: outbox.Rules) -> Explored[outbox.State]:
    return explore(outbox.START, outbox.Outbox(rules).steps, wrong=outbox.wrong, good=outbox.good)


def _send_gate(rules: send_gate.Rules) -> Explored[send_gate.State]:
    return explore(send_gate.START, send_gate.SendGate(rules).steps, wrong=send_gate.wrong, good=send_gate.good)


def test_the_outbox_writes_each_promise_once_and_comes_to_rest() -> None:
    found = _outbox(outbox.Rules())
    assert found.wrong is None, found.story
    assert found.states > 10_000  # a smaller number means that something cannot happen any more


def test_the_send_gate_lets_each_invoice_be_named_once_and_never_one_that_was_withdrawn() -> None:
    found = _send_gate(send_gate.Rules())
    assert found.wrong is None, found.story
    assert found.states > 30_000


@pytest.mark.parametrize("safeguard", [each.name for each in fields(outbox.Rules)])
def test_without_one_of_its_safeguards_the_outbox_goes_wrong(safeguard: str) -> None:
    found = _outbox(replace(outbox.Rules(), **{safeguard: False}))
    assert found.wrong is not None and found.story


@pytest.mark.parametrize("safeguard", [each.name for each in fields(send_gate.Rules)])
def test_without_one_of_its_safeguards_the_send_gate_goes_wrong(safeguard: str) -> None:
    found = _send_gate(replace(send_gate.Rules(), **{safeguard: False}))
    assert found.wrong is not None and found.story


def test_what_cannot_be_left_is_found() -> None:
    found = explore(0, _one_more, wrong=_nothing, good=lambda state: state < 3)
    assert (found.states, found.wrong, found.story) == (4, "stuck for ever", ("one more",) * 3)


def _nothing(_state: int) -> None:
    return None


def _one_more(state: int) -> list[tuple[str, int]]:
    return [("one more", state + 1)] if state < 3 else []
