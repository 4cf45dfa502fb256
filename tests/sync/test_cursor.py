"""A watermark never goes back, and what changed near it is read twice rather than missed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sync.cursor import OVERLAP, advance, read_from

instants = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - the zone is given beside it
    max_value=datetime(2035, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(st.lists(instants, min_size=1))
def test_it_never_goes_back_whatever_clocks_do(reads: list[datetime]) -> None:
    watermark = None
    for began_at in reads:
        after = advance(watermark, began_at)
        assert after >= (watermark or after)
        watermark = after
    assert watermark == max(reads)


@given(instants, instants)
def test_the_next_read_begins_before_the_last_one_did(watermark: datetime, began_at: datetime) -> None:
    since = read_from(advance(watermark, began_at))
    assert since is not None
    assert since == max(watermark, began_at) - OVERLAP


@given(instants, st.timedeltas(min_value=-OVERLAP, max_value=OVERLAP))
def test_a_change_stamped_a_little_before_the_read_began_is_read_again(began_at: datetime, late: timedelta) -> None:
    stamped = began_at + late
    since = read_from(advance(None, began_at))
    assert since is not None and stamped >= since


def test_the_first_read_takes_everything() -> None:
    assert read_from(None) is None
