"""Three-way merge per field: nobody's edit is lost, and a quiet system writes nothing.

For every field that two systems share we keep the pair (ours, theirs) of values at the last time they met. A side has
changed when its value differs from its half of the pair. Source: the three-way merge of version control, per field
as in Dropbox's Nucleus (remote, local and synced trees).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sync.owners import Owner, Owners

Value = str | bool | None
Pair = tuple[Value, Value]
_EMPTY: tuple[Value, ...] = (None, "", False)  # what a side shows where nobody has said anything


@dataclass(frozen=True, slots=True)
class Conflict:
    """Both sides said something else about `field`; `kept` stands, `lost` is remembered."""

    field: str
    kept: Value
    lost: Value


@dataclass(frozen=True, slots=True)
class Merge:
    """The outcome: our values after the merge, the new pairs, what must be written back, and the conflicts."""

    values: Mapping[str, Value]
    pairs: Mapping[str, Pair]
    write_back: Mapping[str, Value]
    conflicts: tuple[Conflict, ...] = field(default=())


def merge(
    *,
    owners: Owners,
    speaker: Owner,
    pairs: Mapping[str, Pair],
    ours: Mapping[str, Value],
    theirs: Mapping[str, Value],
) -> Merge:
    """Merge what `speaker` (the ledger or the CRM) shows now with what we hold; `owners` says whose word counts.

    A field without a pair is seen for the first time: an empty side takes the other's value; two different values are
    reported, and left alone on both sides where the field is shared, because nobody has edited anything yet.
    """
    values = dict(ours)
    new_pairs: dict[str, Pair] = dict(pairs)
    write_back: dict[str, Value] = {}
    conflicts: list[Conflict] = []
    for name, remote in theirs.items():
        local = ours.get(name)
        verdict = _judge(owners[name], speaker, pairs.get(name), local, remote)
        values[name] = verdict.value
        if verdict.loses:
            conflicts.append(Conflict(name, kept=verdict.value, lost=verdict.lost))
        if verdict.writes:
            write_back[name] = verdict.value
            # Both halves hold what they still show: our value differs from it, so the write stays due until done.
            new_pairs[name] = (remote, remote)
        else:
            new_pairs[name] = (verdict.value, remote)
    return Merge(values, new_pairs, write_back, tuple(conflicts))


@dataclass(frozen=True, slots=True)
class _Verdict:
    value: Value
    writes: bool = False
    loses: bool = False  # said apart from `lost`: a value that somebody emptied is lost as any other
    lost: Value = None


def _judge(owner: Owner, speaker: Owner, pair: Pair | None, local: Value, remote: Value) -> _Verdict:
    if local == remote:
        return _Verdict(local)
    if pair is None:
        return _first_meeting(owner, speaker, local, remote)
    we_changed, they_changed = local != pair[0], remote != pair[1]
    if they_changed and not we_changed:
        if owner in (Owner.SHARED, speaker):
            return _Verdict(remote)
        return _Verdict(local, writes=True, loses=True, lost=remote)
    if we_changed and not they_changed:
        return _Verdict(local, writes=True)
    if we_changed and they_changed:
        if owner is speaker or (owner is Owner.SHARED and speaker is Owner.LEDGER):
            return _Verdict(remote, loses=True, lost=local)
        return _Verdict(local, writes=True, loses=True, lost=remote)
    return _Verdict(local)


def _first_meeting(owner: Owner, speaker: Owner, local: Value, remote: Value) -> _Verdict:
    if local in _EMPTY:
        return _Verdict(remote)
    if remote in _EMPTY:
        return _Verdict(local, writes=owner is not speaker)
    if owner is speaker:
        return _Verdict(remote, loses=True, lost=local)
    if owner is Owner.SHARED:
        return _Verdict(local, loses=True, lost=remote)
    return _Verdict(local, writes=True, loses=True, lost=remote)


def unsent(pairs: Mapping[str, Pair], ours: Mapping[str, Value]) -> dict[str, Value]:
    """Return the fields whose value of ours has changed since the two sides met: what is to be written there."""
    return {name: ours[name] for name, (agreed, _) in pairs.items() if name in ours and ours[name] != agreed}


def agreed(pairs: Mapping[str, Pair], written: Mapping[str, Value]) -> dict[str, Pair]:
    """Return the pairs after `written` was accepted by the other side."""
    return {**pairs, **{name: (value, value) for name, value in written.items()}}
