"""Whether what a vendor shows is from before what stands here: a version that we know never goes backwards.

A replica that lags shows what was there before, at any later time. Vendors tell how old a state is by a count
(QuickBooks' SyncToken, the steps of Stripe's payments), by the moment of the last change (Xero's UpdatedDateUTC,
Salesforce's SystemModstamp), or by both, and none without fail: Xero may leave the moment as it was, clocks are set
back, a second holds several changes. So a state is from before only where all that is told says so; what is equally old
and was read later is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

_MAX_DIGITS = 18  # of a count; a digest that happens to have no letters is longer


@dataclass(frozen=True, slots=True)
class Version:
    """How old the vendor says that a state is: `text` as it names it, and when it changed last by its clock."""

    text: str = ""
    modified_at: datetime | None = None


UNKNOWN = Version()


@dataclass(frozen=True, slots=True)
class Held:
    """What we know of an object: its newest version, and when the call began that showed it, by our clock.

    `surpassed` says that it changed after this version in a way that told no version of its own: it was deleted, or we
    wrote it. What is shown of it then must be newer, not just as new.
    """

    version: Version
    read_at: datetime | None = None
    surpassed: bool = False


def is_past(shown: Version, read_at: datetime, held: Held | None, *, gone: bool = False) -> bool:
    """Whether what a call that began at `read_at` shows is from before what we hold; `gone` shows it as deleted."""
    if held is None:
        return False
    if held.read_at is not None and held.read_at > read_at:
        return True
    told = _steps(held.version, shown)
    if any(step > 0 for step in told):
        return False  # also where the rest contradicts it: books that were restored count anew
    return any(step < 0 for step in told) or (bool(told) and held.surpassed and not gone)


def after_deletion(held: Held | None, shown: Version, read_at: datetime) -> Held:
    """What is known of an object that is gone: notices of deletions leave out the count, some also the moment."""
    before = held.version if held is not None else UNKNOWN
    moments = [each.modified_at for each in (before, shown) if each.modified_at is not None]
    return Held(Version(shown.text or before.text, max(moments, default=None)), read_at, surpassed=True)


def after_write(before: Version, told: str) -> Held:
    """What is known of an object that we wrote; `told` is the version that the vendor's answer gave it, "" for none.

    An answer may carry the moment finer than it is kept, so that later readings show an earlier one: its second counts.
    One that comes late, with a count below what was read meanwhile, says nothing new.
    """
    if not told:
        return Held(before, surpassed=True)
    moment, known = _moment(told), before.modified_at
    if moment is None:
        is_late = _steps(before, Version(told)) == [-1]
        return Held(before if is_late else Version(told, known))
    second = moment.replace(microsecond=0)
    return Held(Version(told, second if known is None or moment < known else max(known, second)))


def _steps(held: Version, shown: Version) -> list[int]:
    """How `shown` stands to `held` by each thing that both tell: 1 newer, 0 the same, -1 older."""
    steps: list[int] = []
    counts = _count(held.text), _count(shown.text)
    if counts[0] is not None and counts[1] is not None:
        steps.append((counts[1] > counts[0]) - (counts[1] < counts[0]))
    if held.modified_at is not None and shown.modified_at is not None:
        steps.append((shown.modified_at > held.modified_at) - (shown.modified_at < held.modified_at))
    return steps


def _count(text: str) -> int | None:
    """The whole number that a version is, or begins with before a point; None where the vendor counts nothing."""
    number = text.partition(".")[0]
    return int(number) if number.isascii() and number.isdecimal() and len(number) <= _MAX_DIGITS else None


def _moment(text: str) -> datetime | None:
    """The instant that a version is; None for a count or anything else."""
    if _count(text) is not None:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read if read.tzinfo is not None else None
