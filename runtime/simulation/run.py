"""`simulate`: play seeds, check what must hold after steps and at rest, and sum up."""

from __future__ import annotations

import gc
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from random import Random
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from runtime.operations.bank_files.import_statement import GAP, import_statement
from runtime.operations.reminding.remind import remind_everybody
from runtime.operations.work import poll, work
from runtime.simulation.autopay import offer_autopay
from runtime.simulation.charges import charge_late_payment
from runtime.simulation.crashes import Crash
from runtime.simulation.discounts import give_discounts
from runtime.simulation.histories import have_histories_told, tell_the_rest
from runtime.simulation.invariants import (
    ALWAYS,
    AT_REST,
    GRACE_DAYS,
    NEVER_BACK,
    NUMBERS,
    Invariant,
    Tally,
    unexplained,
)
from runtime.simulation.measure import Ages, InvoiceDays, evidence_ages, percentile
from runtime.simulation.office import look_after
from runtime.simulation.payers import CHECKOUT_ENDS, visit
from runtime.simulation.sabotages import by_name, sabotaged
from runtime.simulation.stage import Play, set_play
from runtime.simulation.virtual import Happening
from runtime.store import tables as t
from sandbox.life import BOOKS_OPENED, Objection
from sandbox.life.bank import BankBook

CHECK_EVERY, MAX_CHECKS = 250, 40  # each check looks at all that there is, so a long run is checked less often
# From here on a run is long enough that every fault must have fired in it, and every invariant been checked.
SUITE_SEEDS, SUITE_EVENTS = 10, 20_000
# Far enough for the longest pause before a write is tried again.
HEAL_MINUTES = (15, 15, 30, 30, 60, 60, 60, 60)
STATEMENT_DAYS = 3
LARGEST_SKEW = timedelta(seconds=300)
FALSE = (
    Objection.NOT_DUE,
    Objection.AMOUNT,
    Objection.ADDRESS,
    Objection.UNWANTED,
)  # what makes a message a false reminder
# Acts between two longer pauses: a seed's firms have one of these. What a pause is, by its chance for each such act.
RUSHES = (1, 1, 4, 16, 64)
_NIGHT, _SLOW = (0.03, 0.60), (0.09, 0.30)  # and at most
# Firms that begin with many invoices live steadily, so that a few thousand steps are weeks: between two acts pass so
# many hours, what else goes on by itself does so many times more slowly, and less happens while a call is on its way.
_STEADY_HOURS, _STEADY, _LESS_OFTEN = (0.2, 2.8), 3.0, {"meanwhile_life": 0.25}
# What may happen more often beside faults and acts: payers look at their own pages, and people sleep.
VISITS, NIGHTS = "visits", "nights"
Progress = Callable[[int], None]


@dataclass
class Result:
    """What one or more seeds showed."""

    seeds: list[int] = field(default_factory=list)
    events: int = 0
    acts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    tally: Tally = field(default_factory=Tally)
    reminders_sent: int = 0
    false_reminders: int = 0
    reachable_due: int = 0  # for longer than GRACE_DAYS, when all had come to rest: what `missed_reminders` are of
    missed_reminders: int = 0
    invoice_days: int = 0  # an open invoice on a day that began while the firms lived
    evidence_ages: Ages = field(default_factory=dict)
    windows: list[float] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)  # what happened in the last seed
    whole: bool = True  # nothing was left out or switched off

    @property
    def holds(self) -> bool:
        """Whether no invariant was violated, and in a suite nothing passed over."""
        return not any(self.tally.violations.values()) and not (self.is_suite and self.passed_over())

    @property
    def is_suite(self) -> bool:
        """Whether everything should have happened."""
        return self.whole and len(self.seeds) >= SUITE_SEEDS and self.events >= SUITE_EVENTS

    def passed_over(self) -> list[str]:
        """[31] Say which fault never fired, and which invariant had nothing to check."""
        faults = [f"{name} never fired" for name, count in sorted(self.faults.items()) if not count]
        return faults + [f"{name} was never checked" for name, count in self.tally.checked.items() if not count]

    def add(self, other: Result) -> None:
        """Add what later seeds showed."""
        self.seeds += other.seeds
        self.events += other.events
        self.acts.update(other.acts)
        self.faults.update(other.faults)
        for name, count in other.tally.checked.items():
            self.tally.note(name, count, other.tally.violations[name])
        self.reminders_sent += other.reminders_sent
        self.false_reminders += other.false_reminders
        self.reachable_due += other.reachable_due
        self.missed_reminders += other.missed_reminders
        self.invoice_days += other.invoice_days
        self.note_ages(other.evidence_ages)
        self.windows += other.windows
        self.digests += other.digests
        self.trace = other.trace
        self.whole = self.whole and other.whole

    def note_ages(self, ages: Ages) -> None:
        """Add how old what messages rested on was."""
        for source, values in ages.items():
            self.evidence_ages.setdefault(source, []).extend(values)

    def as_json(self) -> dict[str, Any]:
        """Return the object of `truedue simulate --json` (DESIGN section 6).

        An invariant that had nothing to check is "absent"; what a suite passed over is a violation of its own.
        """
        invariants: dict[str, Any] = {
            name: {
                "numbers": list(NUMBERS[name]),
                "checked": count,
                "violations": sorted(set(self.tally.violations[name])),
            }
            if count or self.tally.violations[name]
            else "absent"
            for name, count in self.tally.checked.items()
        }
        if self.is_suite:
            checked = len(self.faults) + len(self.tally.checked)
            invariants["nothing_passed_over"] = {"numbers": [31], "checked": checked, "violations": self.passed_over()}
        return {
            "seeds": self.seeds,
            "events": self.events,
            "acts": dict(sorted(self.acts.items())),
            "faults": {name: {"fired": count} for name, count in sorted(self.faults.items())},
            "invariants": invariants,
            "reminders_sent": self.reminders_sent,
            "false_reminders": self.false_reminders,
            "missed_reminders": self.missed_reminders,
            "reachable_due": self.reachable_due,
            "invoice_days": self.invoice_days,
            "evidence_age_seconds": {
                source: {"p50": percentile(ages, 50), "p99": percentile(ages, 99)}
                for source, ages in self.evidence_ages.items()
            },
            "unavoidable": {
                "reminders": len(self.windows),
                "longest_window_seconds": round(max(self.windows, default=0.0), 3),
            },
            "digest": hashlib.sha256("".join(self.digests).encode()).hexdigest(),
        }


def simulate(
    *,
    seeds: Iterable[int],
    events: int,
    sabotage: str | None = None,
    without: frozenset[str] = frozenset(),
    invoices: int = 0,
    progress: Progress = lambda _count: None,
) -> Result:
    """Play each seed for `events` steps, `without` some kinds of faults. The same seed gives the same digest.

    Without a safeguard, by a `sabotage`, what needs it happens more often. Firms that begin with many open `invoices`
    each live slowly: some hundred steps are a day.
    """
    result = Result(whole=sabotage is None and not without)
    often = (_LESS_OFTEN if invoices else {}) | (dict(by_name(sabotage).often) if sabotage else {})
    check_every = max(CHECK_EVERY, events // MAX_CHECKS)
    for seed in seeds:
        with sabotaged(sabotage), set_play(seed, without=without, often=often, invoices=invoices) as play, _kept():
            _begin(play, is_steady=invoices > 0)
            days = InvoiceDays(play.time.now().date())
            play.look = partial(_check, play, NEVER_BACK, result.tally)
            for step in range(events):
                overtaken = play.overtaken
                _step(play)
                result.events += 1
                days.look(play)
                if play.overtaken > overtaken:
                    play.look()
                if step % check_every == 0:
                    _check(play, ALWAYS, result.tally)
                progress(1)
            _heal(play)
            result.invoice_days += days.count
            _count_missed(play, result)  # before the checks at rest let the day go on
            _check(play, AT_REST, result.tally)
            _conclude(play, seed, result)
    return result


@contextmanager
def _kept() -> Iterator[None]:
    """Spare the garbage collector what stands before the lives begin, and to their end: it looks through it in vain."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _step(play: Play) -> None:
    try:
        told = play.agenda.next()
    except Crash:
        play.restart()
        told = "the product's process died and was started again"
    except SQLAlchemyError as error:
        told = f"a task ended: {error}"  # as it would in a worker, which logs it; the next one finds what is due
    play.post.collect()
    play.trace(told)


def _begin(play: Play, *, is_steady: bool) -> None:
    """Put what goes on by itself on the agenda; each arranges its own next time."""
    hurried = _tempo(play.rng.choice(RUSHES), play.often.get(NIGHTS, 1.0))
    slow, rush = _STEADY if is_steady else 1.0, play.often.get(VISITS, 1.0)
    _repeat(play, "life", play.life.act, _between(*_STEADY_HOURS) if is_steady else hurried)
    _beat(play, "sweep", play.run(work), _between(0.1 * slow, 4 * slow))
    _beat(play, "poll", play.run(poll), _between(0.5 * slow, 15 * slow))
    _beat(play, "remind", play.run(remind_everybody), _between(0.2 * slow, 3 * slow))
    _repeat(play, "people", partial(look_after, play), _between(1 * slow, 10 * slow))
    _repeat(play, VISITS, partial(visit, play), _between(0.5 * slow / rush, 5 * slow / rush))
    offer_autopay(play)
    give_discounts(play)
    have_histories_told(play)
    charge_late_payment(play)
    for key, firm in play.life.firms.items():
        for bank in firm.banks.values():
            _repeat(play, "statement", partial(_statement, play, key, bank), _between(8, 26))
    _repeat(play, "consents", partial(_consents, play), _between(2 * slow, 20 * slow))
    _repeat(play, "clock", partial(_skew, play), _between(1 * slow, 12 * slow))


def _repeat(play: Play, name: str, happening: Happening, pause: Callable[[Random], timedelta]) -> None:
    def happen() -> str | None:
        play.agenda.later(pause(play.rng), name, happen)  # first: a crash must not end it for good
        return happening()

    play.agenda.later(pause(play.rng), name, happen)


def _beat(play: Play, name: str, happening: Happening, pause: Callable[[Random], timedelta]) -> None:
    """Repeat what the beat tells the workers to do; where there are two beats it is told twice."""

    def happen() -> str | None:
        if play.faults.strikes("beat_twice"):
            play.agenda.later(timedelta(0), name, happening)
        return happening()

    _repeat(play, name, happen, pause)


def _between(low: float, high: float) -> Callable[[Random], timedelta]:
    """A pause of so many hours."""
    return lambda rng: timedelta(hours=rng.uniform(low, high))


def _tempo(rush: int, nights: float) -> Callable[[Random], timedelta]:
    """Return what draws the pause until the next act: after `rush` acts at once, more or less, comes a longer one.

    It is a night so many times as often as `nights` says.
    """
    night, slow = (min(chance * rush, most) for chance, most in (_NIGHT, _SLOW))
    night = min(night * nights, _NIGHT[1])

    def pause(rng: Random) -> timedelta:
        if rng.random() >= 1 / rush:
            return timedelta(seconds=rng.uniform(0.01, 0.8))
        kind = rng.random()
        if kind < night:
            return timedelta(hours=rng.uniform(8, 30))
        return timedelta(hours=rng.uniform(0.5, 4)) if kind < night + slow else timedelta(seconds=rng.uniform(5, 300))

    return pause


def _consents(play: Play) -> str:
    """Owners end consents at the vendors, and tokens end before their time."""
    for standin in play.estate.standins:
        for grant in [each for each in standin.oauth.grants.values() if not each.revoked]:
            if play.faults.strikes("consent_revoked"):
                play.lapses.end(standin.name, grant.grant_id)
                return f"an owner ends a consent at {standin.name}"
            if play.faults.strikes("token_ended"):
                grant.access_expires_at = play.time.now()
                return f"a token of {standin.name} ends before its time"
    return "the consents stand"


def _skew(play: Play) -> str | None:
    before, play.skew = play.skew, timedelta(0)
    play.calls.told_to_wait.clear()  # it counts on its own clock, which is set now
    if play.faults.strikes("clock_skew"):
        play.skew = play.rng.uniform(-1, 1) * LARGEST_SKEW
    if before > -LARGEST_SKEW / 2 and play.faults.strikes("clock_backwards"):
        play.skew = timedelta(seconds=play.rng.uniform(-LARGEST_SKEW.total_seconds(), before.total_seconds()))
    return f"the product's clock is {play.skew.total_seconds():.0f} s off"


def _statement(play: Play, key: str, bank: BankBook) -> str:
    """The accountant takes the bank's file of the days that are over."""
    yesterday = play.time.now().date() - timedelta(days=1)
    first = bank.given_until or bank.opened_on - timedelta(days=1)
    since = first + timedelta(days=1)
    if play.faults.strikes("statement_overlap"):
        since -= timedelta(days=play.rng.randint(1, STATEMENT_DAYS))
    if since > yesterday:
        if not play.faults.strikes("statement_again"):
            return f"{key}: no statement yet"
        since = yesterday
    since = max(since, bank.opened_on)
    if _has_gap(play, key):
        since = bank.opened_on  # the problem said so: she takes the days that are missing, and all since
    elif bank.given_until is not None and play.faults.strikes("statement_missed"):
        bank.given_until = yesterday
        return f"{key}: the statement of {since} to {yesterday} in {bank.currency} is forgotten"
    _import(play, key, bank, since, yesterday)
    return f"{key}: statement of {since} to {yesterday} in {bank.currency}"


def _has_gap(play: Play, key: str) -> bool:
    problem = t.problem.c
    open_here = (problem.organisation_id == play.ids[key]) & problem.resolved_at.is_(None)
    with play.app.store.read() as db:
        return db.scalar(select(func.count()).select_from(t.problem).where(open_here, problem.code == GAP)) != 0


def _import(play: Play, key: str, bank: BankBook, since: date, until: date) -> None:
    name = f"{key}-{bank.currency}-{until}.{'xml' if bank.is_camt else 'mt940'}"
    at = play.time.now()
    content = bank.statement(since=since, until=until, at=at)
    import_statement(play.app, organisation_id=play.ids[key], name=name, content=content)
    bank.given(since=since, until=until, at=at)  # one that could not be taken is given again


def _heal(play: Play) -> None:
    """End the faults, let everything happen that is left, and let the product come to rest."""
    play.faults.heal()
    play.recover()
    play.skew = timedelta(0)
    play.agenda.settle(lambda name: name in (BOOKS_OPENED, CHECKOUT_ENDS))
    for minutes in HEAL_MINUTES:
        play.time.advance(timedelta(minutes=minutes))
        yesterday = play.time.now().date() - timedelta(days=1)
        for key, firm in play.life.firms.items():
            for bank in firm.banks.values():
                _import(play, key, bank, bank.opened_on, yesterday)
        play.agenda.settle(lambda name: name.startswith(("webhook", "worker")))
        poll(play.app)
        work(play.app)
        look_after(play)
        play.post.collect()
    for _ in range(3):
        remind_everybody(play.app)
        work(play.app)
        play.post.collect()
        play.agenda.settle(lambda name: name.startswith(("webhook", "worker")))
        poll(play.app)
        work(play.app)
    tell_the_rest(play)


def _check(play: Play, invariants: Iterable[Invariant], tally: Tally) -> None:
    for invariant in invariants:
        tally.note(invariant.__name__, *invariant(play))


def _count_missed(play: Play, result: Result) -> None:
    result.reachable_due += len(play.judge.due(play.time.now().date(), grace_days=GRACE_DAYS))
    result.missed_reminders += len(unexplained(play))


def _conclude(play: Play, seed: int, result: Result) -> None:
    result.seeds.append(seed)
    result.trace = list(play.told)
    result.acts.update(play.life.done)
    result.faults.update(play.faults.fired)
    result.faults["crash"] += play.crashes
    wrongs = [wrong for wrong in play.judge.wrongs if wrong.objection in FALSE]
    result.false_reminders += sum(1 for wrong in wrongs if wrong.window is None)
    result.windows += [wrong.window.total_seconds() for wrong in wrongs if wrong.window is not None]
    result.note_ages(evidence_ages(play))
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
    facts.append(str(play.time.now()))
    result.digests.append(hashlib.sha256(json.dumps(facts).encode()).hexdigest())
