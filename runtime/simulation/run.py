"""Play a seed: people, payers, vendors and faults in random order; check after every step; heal; check at rest."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from runtime.demo import people
from runtime.operations import decide
from runtime.operations.errors import RefusedError
from runtime.operations.import_statement import import_statement
from runtime.operations.plan import plan_reminders
from runtime.operations.send import send_reminders
from runtime.operations.work import poll, work
from runtime.simulation.invariants import ABSENT, ALWAYS, AT_REST, Invariant, Tally, unexplained
from runtime.simulation.sabotages import sabotaged
from runtime.simulation.stage import Play, set_play
from runtime.store import tables as t

CHECK_EVERY = 10  # steps between two checks of what must always hold
HEAL_ROUNDS = 12
HEAL_STEP = timedelta(minutes=5)
_WEIGHTS = {"live": 6, "deliver": 10, "work": 8, "poll": 2, "statement": 1, "review": 2, "remind": 1, "pass_time": 4}

Progress = Callable[[int], None]


@dataclass
class Result:
    """What one or more seeds showed."""

    seeds: list[int] = field(default_factory=list)
    events: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    tally: Tally = field(default_factory=Tally)
    reminders_sent: int = 0
    false_reminders: int = 0
    missed_reminders: int = 0
    digests: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether no invariant was violated."""
        return not any(self.tally.violations.values())

    def as_json(self) -> dict[str, Any]:
        """Return the object of `truedue simulate --json` (DESIGN section 6)."""
        invariants: dict[str, Any] = {
            name: {"checked": count, "violations": sorted(set(self.tally.violations[name]))}
            for name, count in self.tally.checked.items()
        }
        return {
            "seeds": self.seeds,
            "events": self.events,
            "faults": {name: {"fired": count} for name, count in sorted(self.faults.items())},
            "invariants": invariants | dict.fromkeys(ABSENT, "absent"),
            "reminders_sent": self.reminders_sent,
            "false_reminders": self.false_reminders,
            "missed_reminders": self.missed_reminders,
            "digest": hashlib.sha256("".join(self.digests).encode()).hexdigest(),
        }


def simulate(
    *, seeds: Iterable[int], events: int, sabotage: str | None = None, progress: Progress = lambda _count: None
) -> Result:
    """Play each seed for `events` steps. The same seed gives the same digest."""
    result = Result()
    for seed in seeds:
        with sabotaged(sabotage), set_play(seed) as play:
            for step in range(events):
                _step(play)
                result.events += 1
                if step % CHECK_EVERY == 0:
                    _check(play, ALWAYS, result.tally)
                progress(1)
            _heal(play)
            _check(play, AT_REST, result.tally)
            result.tally.note("quiet_writes_nothing", 1, _quiet(play))
            _conclude(play, seed, result)
    return result


def _step(play: Play) -> None:
    (name,) = play.rng.choices(list(_WEIGHTS), weights=list(_WEIGHTS.values()))
    _STEPS[name](play)


def _live(play: Play) -> None:
    """Somebody pays, edits, refunds, charges back; then some minutes pass, so that evidence can be had."""
    steps = [*play.world.live_payments(), *play.world.live_edits()]
    waiting = [step for step in steps if not step.fired]
    if waiting:
        # A person cannot edit an invoice in the CRM before it is shown there: that one waits for its turn.
        with suppress(LookupError):
            play.rng.choice(waiting).fire()
    play.time.advance(timedelta(minutes=play.rng.randint(3, 20)))


def _statement(play: Play) -> None:
    key = play.rng.choice(sorted(play.ids))
    file = play.statements[key]
    import_statement(play.app, organisation_id=play.ids[key], name=file.name, content=file.read_bytes())


def _review(play: Play) -> None:
    for key, organisation_id in play.ids.items():
        for row in people.pending_bank_receipts(play.app, organisation_id):
            verdict = people.verdict(play.app, play.world, key, row)
            act = {"confirm": decide.confirm, "reject": decide.reject}.get(verdict or "")
            if act is not None:
                with suppress(RefusedError):
                    act(play.app, organisation_id=organisation_id, receipt_id=row["id"], actor="accountant")


def _remind(play: Play) -> None:
    for organisation_id in play.ids.values():
        plan_reminders(play.app, organisation_id)
    if play.rng.random() < 0.5:
        play.post.deliver()
        work(play.app)
    for organisation_id in play.ids.values():
        send_reminders(play.app, organisation_id)


def _pass_time(play: Play) -> None:
    play.time.advance(timedelta(minutes=play.rng.randint(1, 15)))


_STEPS: dict[str, Callable[[Play], Any]] = {
    "live": _live,
    "deliver": lambda play: play.post.deliver(),
    "work": lambda play: work(play.app),
    "poll": lambda play: poll(play.app),
    "statement": _statement,
    "review": _review,
    "remind": _remind,
    "pass_time": _pass_time,
}


def _heal(play: Play) -> None:
    """End the faults, let everything happen that is left, and let the product come to rest."""
    play.faults.heal()
    for key in sorted(play.ids):
        file = play.statements[key]
        import_statement(play.app, organisation_id=play.ids[key], name=file.name, content=file.read_bytes())
    for _ in range(HEAL_ROUNDS):
        play.time.advance(HEAL_STEP)
        play.post.deliver()
        poll(play.app)
        work(play.app)
        _review(play)
    _remind(play)
    work(play.app)


def _quiet(play: Play) -> list[str]:
    """[13] At rest, another round of reading and working writes nothing."""
    before = _writes(play)
    play.time.advance(HEAL_STEP)
    poll(play.app)
    work(play.app)
    return [f"{name}: {count} more" for name, count in (_writes(play) - before).items()]


def _writes(play: Play) -> Counter[str]:
    counted: Counter[str] = Counter()
    for standin in play.estate.standins:
        for call, count in standin.calls.items():
            # Queries of QuickBooks and token refreshes are posted; they change nothing in the books.
            reads = call.endswith("/query") or "token" in call
            if call.startswith(("POST", "PUT", "PATCH", "DELETE")) and not reads:
                counted[f"{standin.name} {call}"] += count
    return counted


def _check(play: Play, invariants: tuple[Invariant, ...], tally: Tally) -> None:
    for invariant in invariants:
        tally.note(invariant.__name__, *invariant(play))


def _conclude(play: Play, seed: int, result: Result) -> None:
    score = play.world.score(play.mailbox.mails)
    result.seeds.append(seed)
    result.faults.update(play.faults.fired)
    result.false_reminders += len(score.false_reminders)
    result.missed_reminders += len(unexplained(play, score.missed_reminders))
    facts: list[Any] = []
    with play.app.store.read() as db:
        result.reminders_sent += (
            db.scalar(select(func.count()).select_from(t.reminder).where(t.reminder.c.state == "sent")) or 0
        )
        for key, organisation_id in play.ids.items():
            rows = db.execute(
                select(t.document.c.number, t.document.c.balance_minor, t.document.c.status, t.document.c.due_on)
                .where(t.document.c.organisation_id == organisation_id)
                .order_by(t.document.c.number, t.document.c.kind)
            )
            facts.append([key, [[str(value) for value in row] for row in rows]])
    facts.append(sorted([mail.subject, *mail.recipients] for mail in play.mailbox.mails))
    facts.append(sorted(play.faults.fired.items()))
    result.digests.append(hashlib.sha256(json.dumps(facts).encode()).hexdigest())
