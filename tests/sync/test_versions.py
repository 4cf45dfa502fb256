"""A version that we know never goes backwards, whatever is shown in whatever order; newer content is not hidden."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.versions import UNKNOWN, Held, Version, after_deletion, after_write, is_past

START = datetime(2026, 3, 10, 10, 0, tzinfo=UTC)
READ = START + timedelta(hours=1)

# How vendors tell the nth state of an object that changed last at a moment.
STYLES: tuple[Callable[[int, datetime], Version], ...] = (
    lambda count, at: Version(str(count), at),  # QuickBooks
    lambda _, at: Version(at.isoformat(), at),  # Xero
    lambda _, at: Version(f"{at:%Y-%m-%dT%H:%M:%S}.000+0000", at.replace(microsecond=0)),  # Salesforce
    lambda count, at: Version(f"{count // 3}.9{count:031x}", at.replace(microsecond=0)),  # Stripe
)
_STEPS = st.lists(st.integers(0, 3_000), min_size=1, max_size=8)  # milliseconds between changes; clocks may stand still


@st.composite
def histories(draw: st.DrawFn) -> list[Version]:
    """The states of one object, oldest first."""
    style = draw(st.sampled_from(STYLES))
    moments = accumulate(draw(_STEPS), initial=0)
    return [style(8 + count, START + timedelta(milliseconds=each)) for count, each in enumerate(moments)]


def follow(readings: Sequence[Version], held: Held | None = None, *, later: int = 0) -> tuple[Held | None, list[bool]]:
    """Hold one reading after the other, each by a later call; tell which were taken."""
    taken = []
    for number, shown in enumerate(readings, later):
        read_at = READ + timedelta(seconds=number)
        taken.append(not is_past(shown, read_at, held))
        if taken[-1]:
            held = Held(shown, read_at)
    return held, taken


@given(history=histories(), data=st.data())
def test_what_is_held_never_gets_older(history: list[Version], data: st.DataObject) -> None:
    indices = data.draw(st.lists(st.integers(0, len(history) - 1), min_size=1, max_size=12))
    newest: Version | None = None
    held: Held | None = None
    for number, index in enumerate(indices):
        held, _ = follow([history[index]], held, later=number)
        assert held is not None
        if newest is not None:
            assert not is_past(held.version, READ, Held(newest)), "an older version took the place of a newer one"
        newest = held.version


@given(history=histories(), data=st.data())
def test_any_order_of_readings_that_ends_with_the_newest_ends_the_same(
    history: list[Version], data: st.DataObject
) -> None:
    held, taken = follow([*data.draw(st.permutations(history)), history[-1]])
    assert taken[-1], "what was refused before hides nothing: the next good reading is taken"
    assert held is not None and held.version == history[-1]


@given(history=histories())
def test_what_is_as_new_and_was_read_later_is_taken(history: list[Version]) -> None:
    """Xero leaves the moment of some edits as it was, and a second may hold several changes."""
    for shown in history:
        assert not is_past(shown, READ, Held(shown, READ - timedelta(seconds=1)))
        assert is_past(shown, READ, Held(shown, READ + timedelta(seconds=1))), "a call that began before shows less"


@given(history=histories(), data=st.data(), told=st.sampled_from(["version", "moment", "nothing"]))
def test_what_is_gone_stays_gone_until_the_vendor_brings_it_back(
    history: list[Version], data: st.DataObject, told: str
) -> None:
    last = history[-1]
    assert last.modified_at is not None
    notice = {"version": last, "moment": Version("", last.modified_at), "nothing": UNKNOWN}[told]
    grave = after_deletion(Held(last, READ), notice, READ)
    for shown in history:
        assert is_past(shown, READ + timedelta(hours=1), grave)
    assert not is_past(notice, READ + timedelta(hours=1), grave, gone=True), "a deletion may be told twice"
    back = Version(data.draw(st.sampled_from(["99", ""])), last.modified_at + timedelta(seconds=1))
    assert not is_past(back, READ + timedelta(hours=1), grave)


@given(history=histories())
def test_a_deletion_from_before_what_we_hold_buries_nothing(history: list[Version]) -> None:
    newest = history[-1]
    for shown in history:
        older = is_past(shown, READ, Held(newest))
        assert is_past(shown, READ, Held(newest, READ - timedelta(minutes=1)), gone=True) is older


@given(history=histories())
def test_what_we_wrote_without_being_told_its_version_is_not_taken_back_by_the_state_before(
    history: list[Version],
) -> None:
    written = after_write(history[-1], "")
    assert all(is_past(shown, READ, written) for shown in history)
    assert written.version == history[-1], "what is known of the version is not forgotten"
    assert history[-1].modified_at is not None
    after = Version("", history[-1].modified_at + timedelta(seconds=1))
    assert not is_past(after, READ, written)


ZONES = st.integers(-14 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))


@given(
    told=st.datetimes(START.replace(tzinfo=None), (START + timedelta(days=300)).replace(tzinfo=None), timezones=ZONES),
    kept=st.sampled_from([1, 1_000, 3_333, 1_000_000]),
    digits=st.sampled_from(["seconds", "milliseconds", "microseconds"]),
)
def test_a_moment_that_an_answer_tells_finer_than_it_is_kept_hides_no_later_reading(
    told: datetime, kept: int, digits: str
) -> None:
    held = after_write(Version("", START - timedelta(days=400)), told.isoformat(timespec=digits))
    shown = told - timedelta(microseconds=told.microsecond % kept)
    assert not is_past(Version(shown.isoformat(), shown), READ, held)
    before = told - timedelta(seconds=1)
    assert is_past(Version(before.isoformat(), before), READ, held)


@pytest.mark.parametrize(
    ("held", "shown", "past"),
    [
        (Version("9", START), Version("10", START), False),
        (Version("10", START), Version("9", START), True),
        (Version("10", START), Version("9", START + timedelta(days=1)), False),  # restored: they contradict each other
        (Version("10", START), Version("11", START - timedelta(minutes=5)), False),  # the vendor's clock was set back
        (Version("10", START), Version("10", START - timedelta(seconds=1)), True),  # a balance moves no SyncToken
        (Version("1.ff", START), Version("0.aa", START), True),  # a payment that succeeded is not on its way again
        (Version("7" * 32, START), Version("6" * 32, START), False),  # digits that are a digest count nothing
        (Version("", None), Version("1", START), False),
        (
            Version("2026-03-10", None),
            Version("2026-03-09", None),
            False,
        ),  # what is no count and no moment tells nothing
    ],
)
def test_how_versions_compare(held: Version, shown: Version, past: bool) -> None:
    assert is_past(shown, READ, Held(held)) is past


def test_an_answer_after_the_vendors_clock_was_set_back_is_what_stands() -> None:
    back = START - timedelta(minutes=5)
    held = after_write(Version(START.isoformat(), START), back.isoformat())
    assert not is_past(Version(back.isoformat(), back), READ, held)


def test_an_answer_that_comes_late_takes_back_nothing_that_was_read_meanwhile() -> None:
    read = Version("4", START)
    assert after_write(read, "3") == Held(read)
    assert after_write(read, "5") == Held(Version("5", START))
