"""What is left out unweighed is hopeless, and what a text tells later is weighed."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconcile.calibrate import History
from reconcile.candidates import OpenItemIndex
from reconcile.draft import HOPELESS
from reconcile.mention import ReferenceEvidence, mention
from reconcile.reading import read
from reconcile.weigh import Weighing
from tests.reconcile.build import DAY, item, receipt

NAMES = ("Harbour Supplies Ltd", "Quarry Tools GmbH", "Somebody Else")
AMOUNTS = st.integers(1_00, 5_000_00)


@given(st.lists(st.tuples(AMOUNTS, st.sampled_from(NAMES[:2]), st.integers(-90, 90)), min_size=1), AMOUNTS, st.data())
def test_an_item_that_may_not_pay_is_hopeless(
    drawn: list[tuple[int, str, int]], cash: int, data: st.DataObject
) -> None:
    items = [
        item(f"I{at}", amount, customer=name, due_on=DAY + timedelta(days=days))
        for at, (amount, name, days) in enumerate(drawn)
    ]
    index = OpenItemIndex(items)
    gross = data.draw(st.sampled_from([cash, items[0].open_amount.minor, max(1, items[0].open_amount.minor - 10_00)]))
    money = receipt(gross, "as agreed", payer=data.draw(st.sampled_from(NAMES)))
    weighing = Weighing(read(money, index, History(), blind=False), index)
    for row in range(len(items)):
        draft = weighing.draft((row,))
        if draft is not None and draft.likelihood >= HOPELESS:
            assert weighing.may_pay(row)
        elif draft is not None and len(items) == 1:  # without rivals of its own customer the bound is exact
            assert not weighing.may_pay(row)


def test_better_evidence_of_less_weight_is_news() -> None:
    index = OpenItemIndex([item("A", 100_00)])
    reading = read(receipt(100_00), index, History(), blind=False)
    assert reading.take([mention("1", [0], ReferenceEvidence.WEAK, 9.0)], index) == {0}
    assert reading.take([mention("2", [0], ReferenceEvidence.WEAK, 8.0)], index) == set()
    assert reading.take([mention("3", [0], ReferenceEvidence.DAMAGED, 8.0)], index) == {0}
    assert (reading.pieces[0].text, reading.levels[0]) == ("1", ReferenceEvidence.DAMAGED)
