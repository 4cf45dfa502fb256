from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

import pytest

from sandbox.world import DEMO_START, Organisation, World, build_world
from sandbox.world.cases import PLANS

TODAY = DEMO_START.date()
SEEDS = (7, 8, 23)


@pytest.fixture(scope="module", params=SEEDS)
def world(request: pytest.FixtureRequest) -> World:
    return build_world(clock=lambda: DEMO_START, seed=request.param)


@pytest.fixture
def organisations(world: World) -> Iterator[Organisation]:
    return iter(list(world.organisations.values()))


def _fingerprint(world: World) -> list[str]:
    return [
        repr((o.customers, o.credits, o.charges, o.receipts, o.cases, o.statements, list(o.invoices.items())))
        for o in world.organisations.values()
    ]


def test_the_same_seed_draws_the_same_world_and_another_seed_another() -> None:
    def strip(world: World) -> World:
        for invoice in world.invoices:
            invoice._before.clear()  # the order of changes is this process's time
        return world

    first, second, other = (strip(build_world(clock=lambda: DEMO_START, seed=s)) for s in (7, 7, 8))
    assert _fingerprint(first) == _fingerprint(second)
    assert _fingerprint(first) != _fingerprint(other)


def test_the_company_has_its_size(world: World) -> None:
    customers = [c for o in world.organisations.values() for c in o.customers.values()]
    assert len(customers) == 320
    assert len(world.invoices) == 3200
    assert {i.currency for i in world.invoices} == {"GBP", "EUR", "USD"}
    months = {(i.issued_on.year, i.issued_on.month) for i in world.invoices}
    assert len(months) == 19  # 18 months back from the middle of one
    assert max(i.issued_on for i in world.invoices) < TODAY


def test_open_and_truly_due_items_are_as_many_as_a_demo_needs(world: World) -> None:
    for organisation in world.organisations.values():
        assert 220 <= sum(i.ledger_open > 0 for i in organisation.invoices.values()) <= 300
    due = [i for i in world.invoices if i.truth.truly_due(TODAY) and i.reachable]
    assert 150 <= len(due) <= 220
    unreachable = [i for i in world.invoices if i.truth.truly_due(TODAY) and not i.reachable]
    assert unreachable


def test_names_and_addresses_are_distinct_and_cannot_reach_anybody(world: World) -> None:
    for organisation in world.organisations.values():
        customers = list(organisation.customers.values())
        assert len({c.name for c in customers}) == len(customers)
        assert len({c.number for c in customers}) == len(customers)
        assert all(c.email is None or c.email.endswith(".example") for c in customers)
        by_address = Counter(c.email for c in customers if c.email and not c.bill_with_parent)
        assert max(by_address.values()) == 1
        assert any(c.email is None for c in customers)
        assert any(c.opted_out for c in customers)
        assert 0.8 < sum(c.crm_by_number for c in customers) / len(customers) < 0.97


def test_every_case_is_there_on_both_organisations(world: World) -> None:
    for organisation in world.organisations.values():
        assert [case.name for case in organisation.cases] == list(PLANS)
        assert all(case.expected for case in organisation.cases)
        for name in PLANS:
            invoices = organisation.by_role(f"case:{name}")
            assert len(invoices) == {"five_invoices": 5, "identical_twice": 2, "payout_with_fees": 6}.get(name, 1)


def test_money_is_conserved(world: World) -> None:
    for organisation in world.organisations.values():
        paid: Counter[str] = Counter()
        for receipt in organisation.receipts:
            allocated = sum((amount for _, amount in receipt.allocations), Decimal(0))
            assert receipt.amount + receipt.fee == allocated + receipt.unapplied + receipt.refunded
            for number, amount in receipt.allocations:
                assert organisation.invoices[number].currency == receipt.currency
                paid[number] += amount  # type: ignore[assignment]
        for invoice in organisation.invoices.values():
            if invoice.role != "void":
                assert invoice.total - paid[invoice.number] == invoice.true_open, invoice


def test_every_line_of_the_statement_is_a_receipt_the_payout_or_a_cost(world: World) -> None:
    for organisation in world.organisations.values():
        lines = [line for statement in organisation.statements for line in statement.lines]
        banked = [r for r in organisation.receipts if r.channel == "bank"]
        incoming = Counter(line.amount for line in lines if line.amount > 0)
        payout = sum(r.amount for r in organisation.receipts if ":charge:" in r.key and _paid_out(organisation, r.key))
        assert incoming == Counter([*(r.amount for r in banked), payout])
        assert 60 <= len(lines) <= 90
        assert sum(line.amount < 0 for line in lines) == 12


def _paid_out(organisation: Organisation, key: str) -> bool:
    return any(f"{organisation.key}:{c.key}" == key and c.state == "paid_out" for c in organisation.charges)


def test_nobody_pays_before_the_invoice_exists(world: World) -> None:
    for organisation in world.organisations.values():
        for receipt in organisation.receipts:
            for number, _ in receipt.allocations:
                assert receipt.received_on > organisation.invoices[number].issued_on


def test_open_amounts_are_unique_but_where_a_case_or_a_coincidence_wants_them_equal(
    organisations: Iterator[Organisation],
) -> None:
    for organisation in organisations:
        amounts = Counter(i.ledger_open for i in organisation.invoices.values() if i.ledger_open)
        equal = [amount for amount, count in amounts.items() if count > 1]
        assert len(equal) == 3  # identical_twice and two coincidences
        for amount in equal:
            roles = {i.role for i in organisation.invoices.values() if i.ledger_open == amount}
            assert roles in ({"case:identical_twice"}, {"bank"})


def test_each_case_has_a_customer_with_nothing_else_open(world: World) -> None:
    for organisation in world.organisations.values():
        for name in PLANS:
            invoices = organisation.by_role(f"case:{name}")
            for customer in {i.customer for i in invoices}:
                others = [
                    i
                    for i in organisation.invoices.values()
                    if i.customer == customer and i.ledger_open and i not in invoices
                ]
                assert not others, (name, others)


def test_the_accountant_can_tell_what_a_line_was(world: World) -> None:
    for organisation in world.organisations.values():
        answers: Counter[str] = Counter()
        for line in (line for statement in organisation.statements for line in statement.lines):
            told = world.accountant(
                organisation=organisation.key,
                booked_on=line.booked_on,
                amount=line.amount,
                counterparty=line.counterparty,
            )
            answers[f"{min(line.amount, Decimal(0)) < 0}:{len(told)}"] += 1
        assert answers["True:0"] == 12
        assert answers["False:0"] == 1  # the payout
        assert answers["False:2"] == 2  # identical_twice
        assert answers.total() == answers["True:0"] + answers["False:0"] + answers["False:1"] + answers["False:2"]
