"""Stripe's decline codes: to which group each belongs, and what to do next where the answer itself does not say.

Sources: docs.stripe.com/declines/codes (cards), docs.stripe.com/error-codes (debits and requests) and, for the advice
codes, docs.stripe.com/declines/card#retrying-issuer-declines. Lost, stolen and suspected cards count as refused by the
bank: Stripe asks to tell their payers no more than that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from receivables.decline import Advice, Decline, DeclineGroup

_CODES: Mapping[tuple[DeclineGroup, Advice], str] = {
    (DeclineGroup.CARD, Advice.DETAILS): """
        authentication_required incorrect_address incorrect_cvc incorrect_number incorrect_pin incorrect_zip invalid_cvc
        invalid_expiry_month invalid_expiry_year invalid_number invalid_pin mobile_device_authentication_required
        payment_intent_authentication_failure
    """,
    (DeclineGroup.CARD, Advice.OTHER_WAY): """
        card_not_supported currency_not_supported expired_card live_mode_test_card new_account_information_available
        pin_try_exceeded testmode_decline
    """,
    (DeclineGroup.FUNDS, Advice.LATER): """
        card_velocity_exceeded insufficient_funds withdrawal_count_limit_exceeded
    """,
    (DeclineGroup.NETWORK, Advice.LATER): """
        approve_with_id could_not_process duplicate_transaction issuer_not_available
        payment_intent_payment_attempt_expired payment_method_provider_timeout processing_error reenter_transaction
        try_again_later
    """,
    (DeclineGroup.MANDATE, Advice.OTHER_WAY): """
        debit_not_authorized payment_intent_mandate_invalid
    """,
    (DeclineGroup.OURS, Advice.LATER): """
        account_invalid amount_too_large amount_too_small charge_exceeds_transaction_limit charge_exceeds_weekly_limit
        invalid_amount invalid_charge_amount merchant_blacklist payment_method_not_available
    """,
}
_KNOWN = {code: found for found, codes in _CODES.items() for code in codes.split()}
_BY_THE_BANK = (DeclineGroup.BANK, Advice.OTHER_WAY)  # what every other code comes to
_ADVICE = {
    "confirm_card_data": Advice.DETAILS,
    "do_not_try_again": Advice.OTHER_WAY,
    "try_again_later": Advice.LATER,
}


def decline_of(error: Mapping[str, Any]) -> Decline:
    """Read a PaymentIntent's last error; the issuer's own advice goes before what its code usually means."""
    codes = [str(error[name]) for name in ("decline_code", "code") if error.get(name)]
    group, usual = next((_KNOWN[code] for code in codes if code in _KNOWN), _BY_THE_BANK)
    advice = _ADVICE.get(str(error.get("advice_code")), usual)
    text = ": ".join([*codes[:1], *(str(error[name]) for name in ("message",) if error.get(name))])
    return Decline(group, advice, text or "failed")
