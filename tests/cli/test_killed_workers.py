"""Two thousand payments, two workers and one beat on PostgreSQL and RabbitMQ, while things die: each is posted once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.contract import Role
from runtime.app import build
from runtime.clock import system_clock
from runtime.operations.organisations import create_organisation
from runtime.operations.systems.pull import pull
from runtime.store.migrate import upgrade
from sandbox.capture import CaptureServer
from sandbox.estate import Estate
from tests import rabbit
from tests.cli.command import Running, served, started, wait_until
from tests.operations.firm import CURRENCY, Firm, QuickBooksLedger, Time, settings_for
from tests.shared import unavailable

PAYMENTS = 2_000
CUSTOMERS = 40
WORKER_DIES_AT, BROKER_RESTARTS_AT = 400, 1_000
AWAY_SECONDS = 5.0
PATIENCE_SECONDS = 1_200.0  # the dead worker's rows rest for the five minutes of its lease

pytestmark = pytest.mark.long


@pytest.fixture
def broker() -> Iterator[rabbit.Node]:
    with ExitStack() as stack:
        try:
            node = stack.enter_context(rabbit.node())
        except rabbit.NoRabbitError as error:
            unavailable(str(error))
        yield node


def test_each_payment_stands_once_when_a_worker_is_killed_and_the_broker_restarts(
    tmp_path: Path, database: str, broker: rabbit.Node
) -> None:
    with ExitStack() as stack:
        estate = stack.enter_context(Estate(clock=system_clock))
        settings = {name.removeprefix("TRUEDUE_").lower(): value for name, value in estate.environment.items()}
        settings |= {"database_url": database, "broker_url": broker.url}
        firm, ledger = _connected_firm(stack, estate, settings)
        web, http = stack.enter_context(served(tmp_path, **settings))
        first = stack.enter_context(started("worker", "--beat", folder=tmp_path, name="first", **settings))
        second = stack.enter_context(started("worker", folder=tmp_path, name="second", **settings))
        for worker in (first, second):
            wait_until(lambda worker=worker: " ready." in worker.said, worker)  # type: ignore[misc]
        estate.stripe.subscribe(str(http.base_url.join("/webhooks/stripe")))
        for number in range(PAYMENTS):
            firm.stripe.pay(
                amount=10_000 + number, currency=CURRENCY, fee=0, metadata={"invoice_number": f"INV-{number:05}"}
            )
        posted = ledger.books.payments
        wait_until(lambda: len(posted) >= WORKER_DIES_AT, first, seconds=PATIENCE_SECONDS)
        second.kill()
        wait_until(lambda: len(posted) >= BROKER_RESTARTS_AT, first, seconds=PATIENCE_SECONDS)
        broker.stop()
        time.sleep(AWAY_SECONDS)
        broker.start()
        third = stack.enter_context(started("worker", folder=tmp_path, name="third", **settings))
        wait_until(lambda: len(posted) >= PAYMENTS, first, seconds=PATIENCE_SECONDS)
        _each_once(firm, ledger, first, web, third)


def _connected_firm(stack: ExitStack, estate: Estate, settings: dict[str, str]) -> tuple[Firm, QuickBooksLedger]:
    """A firm in QuickBooks with an open invoice for each payment, read once."""
    app = build(settings_for({}, **settings), clock=system_clock)
    stack.callback(app.close)
    upgrade(app.store)
    organisation = create_organisation(
        app, name="Firm", base_currency=CURRENCY, time_zone="Europe/London", country="GB"
    )
    ledger = QuickBooksLedger(estate, "Firm")
    firm = Firm(
        app,
        Time(),
        estate,
        CaptureServer(clock=system_clock),
        ledger,
        estate.salesforce.add_org(name="Firm"),
        estate.stripe.add_account(name="Firm", currency=CURRENCY, country="GB"),
        organisation.id,
    )
    customers = [ledger.customer(f"Customer {number}", "") for number in range(CUSTOMERS)]
    today = system_clock().date()
    for number in range(PAYMENTS):
        amount = f"{Decimal(10_000 + number) / 100:.2f}"
        ledger.invoice(customers[number % CUSTOMERS], f"INV-{number:05}", amount, due=today - timedelta(days=5))
    firm.connect("quickbooks", ledger.account)
    firm.connect("stripe", firm.stripe.account_id)
    pull(app, firm.connection(Role.LEDGER))
    return firm, ledger


def _each_once(firm: Firm, ledger: QuickBooksLedger, *running: Running) -> None:
    """Every invoice is paid by exactly one payment of its whole amount; nothing was asked of a vendor in vain."""
    time.sleep(2 * AWAY_SECONDS)  # a second posting of something would come now
    posted = list(ledger.books.payments.values())
    paid = Counter(link["TxnId"] for each in posted for line in each["Line"] for link in line["LinkedTxn"])
    assert len(posted) == PAYMENTS and set(paid.values()) == {1}
    assert all(ledger.balance(f"INV-{number:05}") == 0 for number in range(PAYMENTS))
    assert sum(each["TotalAmt"] for each in posted) == sum(Decimal(10_000 + n) for n in range(PAYMENTS)) / 100
    assert firm.problems() == []
    assert [standin.avoidable_429 for standin in firm.estate.standins] == [0, 0, 0, 0]
    for each in running:
        assert each.process.poll() is None, each.said
