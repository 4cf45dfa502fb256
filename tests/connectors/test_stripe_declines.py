"""Stripe's decline codes as groups and advice."""

from __future__ import annotations

from collections import Counter

import pytest

from connectors.payments.stripe.declines import _CODES, decline_of
from receivables.decline import Advice, DeclineGroup


@pytest.mark.parametrize(
    ("error", "group", "advice"),
    [
        ({"code": "card_declined", "decline_code": "insufficient_funds"}, DeclineGroup.FUNDS, Advice.LATER),
        ({"code": "expired_card", "decline_code": "expired_card"}, DeclineGroup.CARD, Advice.OTHER_WAY),
        ({"code": "incorrect_cvc"}, DeclineGroup.CARD, Advice.DETAILS),
        ({"code": "card_declined", "decline_code": "do_not_honor"}, DeclineGroup.BANK, Advice.OTHER_WAY),
        ({"code": "card_declined", "decline_code": "stolen_card"}, DeclineGroup.BANK, Advice.OTHER_WAY),
        ({"code": "a_code_of_next_year"}, DeclineGroup.BANK, Advice.OTHER_WAY),
        ({}, DeclineGroup.BANK, Advice.OTHER_WAY),
        ({"code": "processing_error"}, DeclineGroup.NETWORK, Advice.LATER),
        ({"code": "debit_not_authorized"}, DeclineGroup.MANDATE, Advice.OTHER_WAY),
        ({"code": "amount_too_large"}, DeclineGroup.OURS, Advice.LATER),
        ({"decline_code": "do_not_honor", "advice_code": "try_again_later"}, DeclineGroup.BANK, Advice.LATER),
        ({"code": "insufficient_funds", "advice_code": "do_not_try_again"}, DeclineGroup.FUNDS, Advice.OTHER_WAY),
        ({"decline_code": "x", "advice_code": "confirm_card_data"}, DeclineGroup.BANK, Advice.DETAILS),
    ],
)
def test_the_code_says_the_group_and_the_issuer_the_advice(
    error: dict[str, str], group: DeclineGroup, advice: Advice
) -> None:
    found = decline_of(error)
    assert (found.group, found.advice) == (group, advice)


def test_each_code_stands_once() -> None:
    counted = Counter(code for codes in _CODES.values() for code in codes.split())
    assert [code for code, count in counted.items() if count > 1] == []


def test_the_processors_words_are_kept_for_people_here() -> None:
    error = {"code": "card_declined", "decline_code": "do_not_honor", "message": "Your card was declined."}
    assert decline_of(error).text == "do_not_honor: Your card was declined."
    assert decline_of({}).text == "failed"
