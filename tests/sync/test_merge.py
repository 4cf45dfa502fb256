"""Merging two sides: nobody's edit is lost, a quiet system writes nothing, and everybody agrees in the end."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.merge import Conflict, Merge, Pair, Value, agreed, merge, unsent
from sync.owners import OWNERS, Owner

FIELDS = sorted(OWNERS)
SPEAKERS = st.sampled_from([Owner.LEDGER, Owner.CRM])
EMPTY = (None, "", False)  # what a side shows where nobody has said anything

values: st.SearchStrategy[Value] = st.sampled_from([None, "", "a", "b", "c", True, False])


@dataclass(frozen=True)
class Meeting:
    """Two sides about to meet, with what they showed the last time."""

    speaker: Owner
    pairs: dict[str, Pair]
    ours: dict[str, Value]
    theirs: dict[str, Value]

    def merged(self) -> Merge:
        return merge(owners=OWNERS, speaker=self.speaker, pairs=self.pairs, ours=self.ours, theirs=self.theirs)


@st.composite
def meetings(draw: st.DrawFn) -> Meeting:
    ours: dict[str, Value] = {}
    theirs: dict[str, Value] = {}
    pairs: dict[str, Pair] = {}
    for name in draw(st.lists(st.sampled_from(FIELDS), unique=True, min_size=1)):
        theirs[name] = draw(values)
        if draw(st.booleans()):
            ours[name] = draw(values)
        if draw(st.booleans()):
            pairs[name] = (draw(values), draw(values))
    return Meeting(draw(SPEAKERS), pairs, ours, theirs)


def _is_edit(value: Value, name: str, meeting: Meeting, half: int) -> bool:
    """Whether somebody said this value since the two sides met (an empty value is nothing to restore)."""
    pair = meeting.pairs.get(name)
    return value not in EMPTY and (pair is None or value != pair[half])


@given(meetings())
def test_every_edit_stands_somewhere_or_is_kept_as_a_conflict(meeting: Meeting) -> None:
    outcome = meeting.merged()
    lost = {(conflict.field, conflict.lost) for conflict in outcome.conflicts}
    for name, remote in meeting.theirs.items():
        local = meeting.ours.get(name)
        stands_there = outcome.write_back.get(name, remote)
        if _is_edit(local, name, meeting, 0):
            assert local in (outcome.values[name], stands_there) or (name, local) in lost
        if _is_edit(remote, name, meeting, 1):
            assert remote in (outcome.values[name], stands_there) or (name, remote) in lost


@given(meetings())
def test_a_conflict_names_the_value_that_stands_and_another_that_somebody_said(meeting: Meeting) -> None:
    outcome = meeting.merged()
    for conflict in outcome.conflicts:
        assert conflict.kept == outcome.values[conflict.field]
        assert conflict.lost != conflict.kept
        assert conflict.lost in (meeting.ours.get(conflict.field), meeting.theirs[conflict.field])


@given(meetings())
def test_fields_that_the_other_side_does_not_show_stay_as_they_are(meeting: Meeting) -> None:
    outcome = meeting.merged()
    for name in set(meeting.ours) | set(meeting.pairs):
        if name not in meeting.theirs:
            assert outcome.values.get(name) == meeting.ours.get(name)
            assert outcome.pairs.get(name) == meeting.pairs.get(name)
            assert name not in outcome.write_back


@given(meetings())
def test_each_field_is_merged_as_if_it_were_the_only_one(meeting: Meeting) -> None:
    """So nothing depends on the order in which fields are met, or on which of them are met together."""
    whole = meeting.merged()
    alone = [replace(meeting, theirs={name: remote}).merged() for name, remote in reversed(meeting.theirs.items())]
    for name, one in zip(reversed(meeting.theirs), alone, strict=True):
        assert (one.values[name], one.pairs[name]) == (whole.values[name], whole.pairs[name])
    assert {name: value for one in alone for name, value in one.write_back.items()} == dict(whole.write_back)
    assert {conflict for one in alone for conflict in one.conflicts} == set(whole.conflicts)


@given(meetings(), st.data())
def test_two_sides_that_speak_of_different_fields_may_be_met_in_either_order(
    meeting: Meeting, data: st.DataObject
) -> None:
    spoken = {name for name in meeting.theirs if data.draw(st.booleans(), label=f"the ledger speaks of {name}")}
    sides = [
        (Owner.LEDGER, {name: value for name, value in meeting.theirs.items() if name in spoken}),
        (Owner.CRM, {name: value for name, value in meeting.theirs.items() if name not in spoken}),
    ]
    ends = []
    for order in (sides, sides[::-1]):
        ours, writes = dict(meeting.ours), {}
        for speaker, theirs in order:
            outcome = Meeting(speaker, meeting.pairs, ours, theirs).merged()
            ours, writes[speaker] = dict(outcome.values), outcome.write_back
        ends.append((ours, writes))
    assert ends[0] == ends[1]


@given(meetings())
def test_what_is_to_be_written_back_is_what_is_unsent(meeting: Meeting) -> None:
    outcome = meeting.merged()
    assert unsent({name: outcome.pairs[name] for name in meeting.theirs}, outcome.values) == dict(outcome.write_back)
    assert all(outcome.write_back[name] != meeting.theirs[name] for name in outcome.write_back)


@given(meetings())
def test_the_same_values_again_report_nothing_and_owe_the_same_write(meeting: Meeting) -> None:
    first = meeting.merged()
    again = Meeting(meeting.speaker, dict(first.pairs), dict(first.values), meeting.theirs).merged()
    assert again.conflicts == ()
    assert (again.values, again.write_back, again.pairs) == (first.values, first.write_back, first.pairs)


@given(meetings())
def test_once_the_write_is_accepted_nothing_is_left_to_say(meeting: Meeting) -> None:
    first = meeting.merged()
    pairs = agreed(first.pairs, first.write_back)
    shown = meeting.theirs | dict(first.write_back)
    assert unsent({name: pairs[name] for name in shown}, first.values) == {}
    after = Meeting(meeting.speaker, pairs, dict(first.values), shown).merged()
    assert (after.conflicts, after.write_back, after.values) == ((), {}, first.values)


@given(st.dictionaries(st.sampled_from(FIELDS), st.tuples(values, values)), st.data())
def test_after_agreeing_on_all_that_is_unsent_nothing_is_unsent(pairs: dict[str, Pair], data: st.DataObject) -> None:
    ours = {name: data.draw(values) for name in pairs}
    assert unsent(agreed(pairs, unsent(pairs, ours)), ours) == {}


@given(st.sampled_from(FIELDS), SPEAKERS)
def test_both_sides_edit_and_the_owners_word_stands(name: str, speaker: Owner) -> None:
    outcome = Meeting(speaker, {name: ("old", "old")}, {name: "ours"}, {name: "theirs"}).merged()
    owner = Owner.LEDGER if OWNERS[name] is Owner.SHARED else OWNERS[name]
    kept, lost = ("theirs", "ours") if owner is speaker else ("ours", "theirs")
    assert outcome.values[name] == kept
    assert outcome.conflicts == (Conflict(name, kept=kept, lost=lost),)
    assert outcome.write_back == ({} if kept == "theirs" else {name: kept})


@given(st.sampled_from(FIELDS), SPEAKERS)
def test_only_they_edit_and_it_counts_if_they_may(name: str, speaker: Owner) -> None:
    outcome = Meeting(speaker, {name: ("old", "old")}, {name: "old"}, {name: "new"}).merged()
    if OWNERS[name] in (Owner.SHARED, speaker):
        assert (outcome.values[name], outcome.conflicts, outcome.write_back) == ("new", (), {})
    else:
        assert outcome.values[name] == "old"
        assert outcome.conflicts == (Conflict(name, kept="old", lost="new"),)
        assert outcome.write_back == {name: "old"}


@given(st.sampled_from(FIELDS), SPEAKERS)
def test_only_we_edit_and_it_is_written_to_them_without_a_conflict(name: str, speaker: Owner) -> None:
    outcome = Meeting(speaker, {name: ("old", "old")}, {name: "new"}, {name: "old"}).merged()
    assert (outcome.values[name], outcome.conflicts, outcome.write_back) == ("new", (), {name: "new"})


@pytest.mark.parametrize("name", [name for name in FIELDS if OWNERS[name] is Owner.SHARED])
@pytest.mark.parametrize("speaker", [Owner.LEDGER, Owner.CRM])
def test_two_different_values_at_the_first_meeting_are_left_alone_and_reported(name: str, speaker: Owner) -> None:
    outcome = Meeting(speaker, {}, {name: "ours"}, {name: "theirs"}).merged()
    assert (outcome.values[name], outcome.write_back) == ("ours", {})
    assert outcome.conflicts == (Conflict(name, kept="ours", lost="theirs"),)


@pytest.mark.parametrize("empty", [None, ""])
@pytest.mark.parametrize("speaker", [Owner.LEDGER, Owner.CRM])
def test_an_empty_side_takes_the_others_value_at_the_first_meeting(empty: Value, speaker: Owner) -> None:
    taken = Meeting(speaker, {}, {"email": empty}, {"email": "a"}).merged()
    assert (taken.values["email"], taken.conflicts, taken.write_back) == ("a", (), {})
    given_back = Meeting(speaker, {}, {"email": "a"}, {"email": empty}).merged()
    assert (given_back.values["email"], given_back.conflicts, given_back.write_back) == ("a", (), {"email": "a"})


def test_a_dispute_that_a_payer_opened_stands_when_the_crm_is_met_first() -> None:
    outcome = Meeting(Owner.CRM, {}, {"disputed": True}, {"disputed": False}).merged()
    assert (outcome.values["disputed"], outcome.conflicts, outcome.write_back) == (True, (), {})
    default = Meeting(Owner.CRM, {}, {"disputed": False}, {"disputed": True}).merged()
    assert (default.values["disputed"], default.conflicts) == (True, ())


def test_the_owners_word_at_the_first_meeting_leaves_the_other_one_as_a_conflict() -> None:
    outcome = Meeting(Owner.CRM, {}, {"dispute_reason": "ours"}, {"dispute_reason": "theirs"}).merged()
    assert outcome.values["dispute_reason"] == "theirs"
    assert outcome.conflicts == (Conflict("dispute_reason", kept="theirs", lost="ours"),)


@dataclass
class Town:
    """A ledger, a CRM and us in between, all of one mind about a shared field at first."""

    shown: dict[Owner, str]
    pairs: dict[Owner, dict[str, Pair]]
    ours: dict[str, Value]
    lost: set[Value] = field(default_factory=set)
    overwritten: set[Value] = field(default_factory=set)
    stood_everywhere: set[Value] = field(default_factory=set)
    writes: int = 0

    def edit(self, side: Owner, value: str) -> None:
        self.overwritten.add(self.shown[side])
        self.shown[side] = value

    def meet(self, side: Owner, *, write_is_lost: bool) -> None:
        outcome = merge(
            owners=OWNERS, speaker=side, pairs=self.pairs[side], ours=self.ours, theirs={"email": self.shown[side]}
        )
        self.ours, self.pairs[side] = dict(outcome.values), dict(outcome.pairs)
        self.lost |= {conflict.lost for conflict in outcome.conflicts}
        due = unsent(self.pairs[side], self.ours)
        if due and not write_is_lost:
            self.writes += 1
            self.shown[side] = str(due["email"])
            self.pairs[side] = agreed(self.pairs[side], due)
        if set(self.shown.values()) == {self.ours["email"]}:
            self.stood_everywhere.add(self.ours["email"])


sides = st.sampled_from([Owner.LEDGER, Owner.CRM])
steps = st.lists(st.tuples(st.sampled_from(["edit", "meet", "meet in a storm"]), sides), max_size=25)


@given(steps)
def test_any_order_of_edits_and_meetings_ends_in_agreement_with_every_edit_accounted_for(
    story: list[tuple[str, Owner]],
) -> None:
    start: Pair = ("start", "start")
    town = Town(
        shown={Owner.LEDGER: "start", Owner.CRM: "start"},
        pairs={Owner.LEDGER: {"email": start}, Owner.CRM: {"email": start}},
        ours={"email": "start"},
    )
    edits = set()
    for number, (action, side) in enumerate(story):
        if action == "edit":
            town.edit(side, f"edit {number}")
            edits.add(f"edit {number}")
        else:
            town.meet(side, write_is_lost=action == "meet in a storm")
    for side in (Owner.LEDGER, Owner.CRM) * 2:
        town.meet(side, write_is_lost=False)
    assert set(town.shown.values()) == {town.ours["email"]}
    assert edits <= {town.ours["email"]} | town.lost | town.overwritten | town.stood_everywhere
    writes = town.writes
    for side in (Owner.LEDGER, Owner.CRM) * 2:
        town.meet(side, write_is_lost=False)
    assert town.writes == writes, "a quiet system writes nothing"
