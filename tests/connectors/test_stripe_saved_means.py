"""Means that payers save at Stripe, and payments taken from them: through the real SDK against the stand-in."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from connectors.errors import Reject, Retry
from connectors.intents import Done, ForgetMeans, SaveMeans, TakePayment
from connectors.payments.stripe.notices import notices
from connectors.records import Kind, ProcessorState, SavedMeansFields
from receivables.decline import Advice, DeclineGroup
from receivables.money import Money
from sandbox.standin import json_response
from tests.connectors.test_stripe import START, World, world

__all__ = ["world"]


def saving(key: str = "mnd_1") -> SaveMeans:
    return SaveMeans(
        key, key, "GBP", "ap@alder.example", "https://a/saved", "https://a/given-up", START + timedelta(hours=1)
    )


def saved(world: World, method: str = "card") -> SavedMeansFields:
    (opened,) = world.connector.write([saving()])
    assert isinstance(opened, Done)
    world.stripe.complete_setup(opened.external_ids[0], method=method)
    (record,) = world.connector.fetch(Kind.SAVED_MEANS, opened.external_ids).records
    assert isinstance(record.fields, SavedMeansFields)
    return record.fields


def taking(means: SavedMeansFields, key: str = "apm_1", minor: int = 12_000) -> TakePayment:
    amount = Money(minor, "GBP")
    return TakePayment(
        key, "doc_1", "INV-1", amount, means.payer_external_id, means.means_external_id, means.method, START
    )


@pytest.mark.parametrize(
    ("method", "ending"),
    [("card", "4242"), ("sepa_debit", "3000"), ("bacs_debit", "2345"), ("us_bank_account", "6789")],
)
def test_what_was_saved_is_read_by_its_page_and_by_its_own_id(world: World, method: str, ending: str) -> None:
    fields = saved(world, method)
    assert (fields.mandate_id, fields.method, fields.ending) == ("mnd_1", method, ending)
    (setup,) = world.stripe.setup_intents
    (again,) = world.connector.fetch(Kind.SAVED_MEANS, [setup]).records
    assert again.fields == fields
    assert world.stripe.customers[fields.payer_external_id]["email"] == "ap@alder.example"


def test_a_page_on_which_nothing_was_saved_shows_nothing_and_one_that_is_unknown_is_said_so(world: World) -> None:
    (opened,) = world.connector.write([saving()])
    assert isinstance(opened, Done) and opened.address.endswith(opened.external_ids[0])
    page = world.connector.fetch(Kind.SAVED_MEANS, [*opened.external_ids, "seti_gone"])
    assert (page.records, page.not_shown) == ((), ("seti_gone",))


def test_what_a_merchant_saves_for_purposes_of_their_own_is_left_alone(world: World) -> None:
    saved(world)
    (setup,) = world.stripe.setup_intents.values()
    setup["metadata"] = {"order": "7"}
    page = world.connector.fetch(Kind.SAVED_MEANS, [setup["id"]])
    assert (page.records, page.problems) == ((), ())


def test_a_payment_is_taken_and_names_its_item(world: World) -> None:
    (done,) = world.connector.write([taking(saved(world))])
    assert isinstance(done, Done)
    paid = world.payment(done.external_ids[0])
    assert (paid.state, paid.amount, paid.item_ids) == (ProcessorState.SUCCEEDED, Money(12_000, "GBP"), ("doc_1",))


def test_a_debit_is_on_its_way_for_days(world: World) -> None:
    (done,) = world.connector.write([taking(saved(world, "sepa_debit"))])
    assert isinstance(done, Done)
    assert world.payment(done.external_ids[0]).state is ProcessorState.IN_FLIGHT
    world.stripe.settle(done.external_ids[0])
    assert world.payment(done.external_ids[0]).state is ProcessorState.SUCCEEDED


@pytest.mark.parametrize(
    ("code", "decline_code", "group", "advice"),
    [
        ("authentication_required", "authentication_required", DeclineGroup.CARD, Advice.DETAILS),
        ("card_declined", "insufficient_funds", DeclineGroup.FUNDS, Advice.LATER),
        ("card_declined", "generic_decline", DeclineGroup.BANK, Advice.OTHER_WAY),
    ],
)
def test_a_declined_payment_is_a_payment_whose_fate_is_read(
    world: World, code: str, decline_code: str, group: DeclineGroup, advice: Advice
) -> None:
    means = saved(world)
    world.stripe.refuse(means.means_external_id, code=code, decline_code=decline_code)
    first, second = world.connector.write([taking(means)] * 2)
    assert isinstance(first, Done) and first == second, "Stripe repeats its answer, the payment is one"
    failed = world.payment(first.external_ids[0])
    assert failed.state is ProcessorState.FAILED and failed.decline is not None
    assert (failed.decline.group, failed.decline.advice) == (group, advice)
    assert len(world.stripe.payment_intents) == 1


def test_a_lost_answer_is_found_by_the_key_and_taken_once(world: World) -> None:
    means = saved(world)
    intent = taking(means)
    assert world.connector.find([intent]) == [None]

    def cut(request: Request, handle: Any) -> Response:  # noqa: ANN401 - the stand-in's next step
        del request
        handle()
        return json_response({"error": {"message": "lost"}}, 502)

    world.standin.interceptor = cut
    (lost,) = world.connector.write([intent])
    world.standin.interceptor = None
    assert isinstance(lost, Retry) and lost.ambiguous
    (found,) = world.connector.find([intent])
    assert isinstance(found, Done)
    assert world.connector.write([intent]) == [found]
    assert world.connector.find([taking(means, "apm_2"), saving()]) == [None, None]
    (payment,) = world.stripe.payment_intents
    assert found.external_ids == (payment,)


def test_what_was_forgotten_pays_nothing_and_is_forgotten_once(world: World) -> None:
    means = saved(world)
    forget = ForgetMeans("fgt_1", means.means_external_id)
    assert world.connector.write([forget]) == [Done((means.means_external_id,))]
    again = ForgetMeans("fgt_2", means.means_external_id)
    assert world.connector.write([again]) == [Done((means.means_external_id,))]
    assert world.connector.write([ForgetMeans("fgt_3", "pm_gone")]) == [Done(("pm_gone",))]
    (refused,) = world.connector.write([taking(means)])
    assert isinstance(refused, Reject) and "Autopay is paused" in refused.remedy
    assert world.stripe.payment_intents == {}


def test_a_means_that_is_still_attached_is_not_said_to_be_forgotten(world: World) -> None:
    means = saved(world)

    def refuse(request: Request, handle: Any) -> Response:  # noqa: ANN401 - the stand-in's next step
        if request.path.endswith("/detach"):
            return json_response({"error": {"type": "invalid_request_error", "message": "Not now."}}, 400)
        answer: Response = handle()
        return answer

    world.standin.interceptor = refuse
    (outcome,) = world.connector.write([ForgetMeans("fgt_1", means.means_external_id)])
    assert not isinstance(outcome, Done)


def test_a_call_that_is_not_permitted_is_refused_and_ends_no_connection(world: World) -> None:
    means = saved(world)

    def forbid(request: Request, handle: Any) -> Response:  # noqa: ANN401 - the stand-in's next step
        del request, handle
        return json_response({"error": {"type": "invalid_request_error", "message": "Missing permission."}}, 403)

    world.standin.interceptor = forbid
    (outcome,) = world.connector.write([taking(means)])
    assert isinstance(outcome, Reject) and "permissions" in str(outcome)


@pytest.mark.parametrize("thin", [False, True])
def test_only_a_means_that_is_saved_is_told_of(world: World, *, thin: bool) -> None:
    world.standin.subscribe("http://127.0.0.1:1/webhooks/stripe", thin=thin)
    world.standin.courier.stop()
    saved(world)
    told = []
    while not world.standin.courier.pending.empty():
        delivery = world.standin.courier.pending.get()
        assert delivery is not None
        told += [(json.loads(delivery.body)["type"].removeprefix("v1."), *notices(delivery.body))]
    (setup,) = world.stripe.setup_intents
    follows = [(type, each.external_id) for type, each in told if each.kind is Kind.SAVED_MEANS]
    assert follows == [("setup_intent.succeeded", setup)]
    assert "setup_intent.created" in {type for type, _ in told}
