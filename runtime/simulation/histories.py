"""Lines in the ledger's history in the lives: the owners of some firms have it told what happens to their invoices."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from runtime.operations.errors import RefusedError
from runtime.operations.systems.edits import keeps_history
from runtime.operations.systems.tell_history import switch_ledger_history, tell_history
from runtime.operations.work import work
from runtime.simulation.stage import Play, source

HISTORIES = "history told"  # what may happen more or less often than usual, by this name
_TOLD = 0.6
_TOLD_AGAIN = timedelta(hours=1)
_ROUND = timedelta(minutes=1)
MAX_ROUNDS = 120  # of some twenty lines each: four times what a life of 45 days left


def have_histories_told(play: Play) -> None:
    """Let some firms whose ledger keeps a history have it told what happens, from soon on."""
    draws = source(play.seed, HISTORIES)
    for key, firm in play.life.firms.items():
        if keeps_history(firm.profile.system) and draws.random() < _TOLD * play.often.get(HISTORIES, 1.0):
            play.agenda.later(timedelta(minutes=1), HISTORIES, partial(_switch, play, key))


def _switch(play: Play, key: str) -> str:
    try:
        switch_ledger_history(play.app, organisation_id=play.ids[key], on=True, actor="owner")
    except RefusedError as error:  # the ledger is lost just now
        play.agenda.later(_TOLD_AGAIN, HISTORIES, partial(_switch, play, key))
        return f"{key}: the ledger's history is not told yet ({error})"
    return f"{key}: the ledger's history is told"


def tell_the_rest(play: Play) -> None:
    """Let the lines be written that are left when the lives end: polls were far rarer in them than they are."""
    for _ in range(MAX_ROUNDS):
        told = sum(tell_history(play.app, organisation_id) for organisation_id in play.ids.values())
        if not told:
            return
        play.time.advance(_ROUND)
        work(play.app)
