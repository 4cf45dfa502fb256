"""The outbox as a model: two workers and a person around one promised posting, whose answers may be lost.

It follows `runtime/operations/systems/deliver.py` (claim, look up, mark in doubt, call, settle), the leases of
`runtime/store/queues.py`, and `posted.py` and `undo.py` in `runtime/operations/applying` (an undo before or after the
posting). A step is a unit of work or a call. Crashes, lost answers and ended leases have no bound: the states are
finite without one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

WORKERS = 2
POST, UNDO = 0, 1  # the two rows that an application may put into the outbox
FREE = 0  # no lease


class Is(Enum):
    """The state of a row; `ABSENT` was never promised."""

    ABSENT = auto()
    NEW = auto()
    DONE = auto()
    ASIDE = auto()
    SUPERSEDED = auto()


class At(Enum):
    """How far a worker has come with the row that it claimed."""

    REST = auto()
    CLAIMED = auto()
    TO_WRITE = auto()
    MARKED = auto()
    ANSWERED = auto()


class Says(Enum):
    """What a worker knows of its call: `LOST` is an ambiguous Retry, `LATER` one that surely had no effect."""

    NOTHING = auto()
    DONE = auto()
    LOST = auto()
    LATER = auto()
    REFUSED = auto()


class Row(NamedTuple):
    is_: Is
    in_doubt: bool = False
    lease: int = FREE
    due: bool = True


class Worker(NamedTuple):
    at: At = At.REST
    row: int = POST
    lease: int = FREE
    in_doubt: bool = False  # as the row was when it was claimed
    says: Says = Says.NOTHING


class State(NamedTuple):
    wanted: bool
    rows: tuple[Row, Row]
    written: int  # how often the ledger took the posting, undone or not
    stands: bool  # whether it stands in the ledger now
    workers: tuple[Worker, ...]


@dataclass(frozen=True)
class Rules:
    """What the product relies on; a model without one of these must be found wrong."""

    looks_up_what_is_in_doubt: bool = True
    marks_in_doubt_before_the_call: bool = True
    asks_for_its_lease_before_the_call: bool = True
    asks_for_its_lease_when_it_settles: bool = True
    a_late_word_waits_for_the_holders_call: bool = True
    undo_leaves_what_is_in_doubt: bool = True
    undo_follows_a_late_answer: bool = True
    calls_end_within_the_lease: bool = True  # the one assumption: LEASE is far above the calls of one group


START = State(True, (Row(Is.NEW), Row(Is.ABSENT)), 0, False, (Worker(),) * WORKERS)


@dataclass(frozen=True)
class Outbox:
    """The steps of the model under `rules`."""

    rules: Rules = Rules()

    def steps(self, state: State) -> Iterator[tuple[str, State]]:
        """Everything that may happen next."""
        yield from self._person(state)
        yield from self._leases_end(state)
        for number, worker in enumerate(state.workers):
            if number and worker == state.workers[number - 1]:
                continue  # workers are alike
            for name, after, moved in self._worker(state, worker):
                workers = (*state.workers[:number], moved, *state.workers[number + 1 :])
                yield name, after._replace(workers=tuple(sorted(workers, key=_order)))

    def _person(self, state: State) -> Iterator[tuple[str, State]]:
        if state.wanted:
            yield "a person undoes the application", self._reversed(state)
        for number, row in enumerate(state.rows):
            if row.is_ is Is.ASIDE:
                yield f"a person replays {_NAMES[number]}", _with(state, number, Row(Is.NEW, row.in_doubt))

    def _leases_end(self, state: State) -> Iterator[tuple[str, State]]:
        for number, row in enumerate(state.rows):
            calling = any(worker.at is At.MARKED and worker.row == number for worker in state.workers)
            if row.is_ is Is.NEW and not row.due and not (calling and self.rules.calls_end_within_the_lease):
                yield f"{_NAMES[number]} is due again", _with(state, number, row._replace(due=True))

    def _worker(self, state: State, worker: Worker) -> Iterator[tuple[str, State, Worker]]:
        if worker.at is At.REST:
            yield from self._claim(state)
            return
        name = _NAMES[worker.row]
        yield f"the worker of {name} dies", state, Worker()
        row = state.rows[worker.row]
        if worker.at is At.CLAIMED:
            yield from self._look_up(state, worker)
        elif worker.at is At.TO_WRITE:
            if row.lease == worker.lease and row.is_ is Is.NEW:
                put_off = _with(state, worker.row, row._replace(lease=FREE, due=False))
                yield f"a defect puts {name} off", put_off, Worker()
            if not (_holds(row, worker) and row.due and self.rules.calls_end_within_the_lease):
                yield self._mark(state, worker)
        elif worker.at is At.MARKED:
            yield from self._call(state, worker)
        else:
            settled = self._settle(state, worker)
            yield f"{name}: {worker.says.name} is settled", settled, Worker()
            if _holds(row, worker) and worker.says in (Says.LOST, Says.LATER):  # MAX_ATTEMPTS may be used up
                aside = settled.rows[worker.row]._replace(is_=Is.ASIDE, due=True)
                yield f"{name} is given up", _with(settled, worker.row, aside), Worker()

    def _claim(self, state: State) -> Iterator[tuple[str, State, Worker]]:
        used = {row.lease for row in state.rows} | {worker.lease for worker in state.workers}
        lease = next(number for number in range(1, len(used) + 2) if number not in used)
        for number, row in enumerate(state.rows):
            if row.is_ is Is.NEW and row.due:
                claimed = _with(state, number, row._replace(lease=lease, due=False))
                yield f"{_NAMES[number]} is claimed", claimed, Worker(At.CLAIMED, number, lease, row.in_doubt)

    def _look_up(self, state: State, worker: Worker) -> Iterator[tuple[str, State, Worker]]:
        if not (worker.in_doubt and self.rules.looks_up_what_is_in_doubt):
            yield "nothing is to be looked up", state, worker._replace(at=At.TO_WRITE)
            return
        yield "the look-up fails", state, worker._replace(at=At.ANSWERED, says=Says.LOST)
        if state.stands is (worker.row == POST):
            yield "the look-up finds it", state, worker._replace(at=At.ANSWERED, says=Says.DONE)
        else:
            yield "the look-up finds nothing", state, worker._replace(at=At.TO_WRITE)

    def _mark(self, state: State, worker: Worker) -> tuple[str, State, Worker]:
        row = state.rows[worker.row]
        if self.rules.asks_for_its_lease_before_the_call and not _holds(row, worker):
            return "another worker has it", state, Worker()
        if worker.row == POST and not state.wanted:
            return "it is wanted no more", _with(state, POST, Row(Is.SUPERSEDED)), Worker()
        if self.rules.marks_in_doubt_before_the_call:
            state = _with(state, worker.row, row._replace(in_doubt=True))
        return f"{_NAMES[worker.row]} is marked in doubt", state, worker._replace(at=At.MARKED)

    def _call(self, state: State, worker: Worker) -> Iterator[tuple[str, State, Worker]]:
        name = _NAMES[worker.row]
        if worker.row == POST:
            effect = state._replace(written=min(state.written + 1, 2), stands=True)
        else:
            effect = state._replace(stands=False)
        for after, says in (
            (effect, Says.DONE),
            (effect, Says.LOST),
            (state, Says.LOST),
            (state, Says.LATER),
            (state, Says.REFUSED),
        ):
            told = "took effect" if after is effect else "took no effect"
            yield f"{name} {told}: {says.name}", after, worker._replace(at=At.ANSWERED, says=says)

    def _settle(self, state: State, worker: Worker) -> State:
        row = state.rows[worker.row]
        if self.rules.asks_for_its_lease_when_it_settles and not _holds(row, worker):
            if worker.says in (Says.DONE, Says.LOST) and row.is_ is not Is.DONE:
                held = row.is_ is Is.NEW and self.rules.a_late_word_waits_for_the_holders_call
                return _with(state, worker.row, Row(Is.NEW, in_doubt=True, due=not held))
            return state
        if worker.says is Says.DONE:
            return self._done(state, worker.row)
        if worker.says is Says.REFUSED:
            state = _with(state, worker.row, Row(Is.ASIDE))
            return self._reversed(state) if worker.row == POST and state.wanted else state
        doubt = worker.in_doubt or worker.says is Says.LOST
        return _with(state, worker.row, Row(Is.NEW, doubt, due=False))

    def _done(self, state: State, number: int) -> State:
        state = _with(state, number, Row(Is.DONE))
        if number == POST and not state.wanted and self.rules.undo_follows_a_late_answer:
            return _undo_promised(state)
        return state

    def _reversed(self, state: State) -> State:
        """The application is undone: what waits is never sent, what stands is taken back, what is in doubt is found."""
        state = state._replace(wanted=False)
        row = state.rows[POST]
        in_doubt = row.in_doubt and self.rules.undo_leaves_what_is_in_doubt
        if row.is_ is Is.NEW and not in_doubt:
            return _with(state, POST, Row(Is.SUPERSEDED))
        if row.is_ is Is.ASIDE and in_doubt:
            return _with(state, POST, Row(Is.NEW, in_doubt=True))
        return _undo_promised(state) if row.is_ is Is.DONE else state


def wrong(state: State) -> str | None:
    """Name what may never be."""
    post = state.rows[POST].is_
    if state.written > 1:
        return "one promise was written twice"
    if post is Is.DONE and not state.written:
        return "it is settled as done and was never written"
    settled = post is Is.SUPERSEDED or (post is Is.ASIDE and not state.rows[POST].in_doubt)
    if settled and state.written:
        return "it stands in the ledger and nobody here knows"
    if state.rows[UNDO].is_ is Is.DONE and state.stands:
        return "its undoing is settled as done and it stands"
    return None


def good(state: State) -> bool:
    """Whether everything is at rest and the ledger shows what is wanted here."""
    post, undo = (row.is_ for row in state.rows)
    at_rest = all(worker.at is At.REST for worker in state.workers) and undo in (Is.ABSENT, Is.DONE)
    return at_rest and post is not Is.NEW and state.stands is state.wanted


_NAMES = ("the posting", "its undoing")


def _order(worker: Worker) -> tuple[int, int, int, bool, int]:
    return worker.at.value, worker.row, worker.lease, worker.in_doubt, worker.says.value


def _holds(row: Row, worker: Worker) -> bool:
    return row.is_ is Is.NEW and row.lease == worker.lease


def _with(state: State, number: int, row: Row) -> State:
    rows = (row, state.rows[UNDO]) if number == POST else (state.rows[POST], row)
    return state._replace(rows=rows)


def _undo_promised(state: State) -> State:
    return state if state.rows[UNDO].is_ is not Is.ABSENT else _with(state, UNDO, Row(Is.NEW))
