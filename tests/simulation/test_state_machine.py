"""The engine as a machine of rules: people, vendors, webhooks and crashes in any order lose no money."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, Protocol, cast

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from runtime.app import App, build
from runtime.operations.errors import RefusedError
from runtime.operations.matching.decide import confirm, reject, undo
from runtime.simulation.crashes import Crash, MortalStore
from runtime.simulation.faults import Faults
from runtime.simulation.invariants.money import money_conserved, never_over_applied
from runtime.simulation.stage import Play
from runtime.simulation.wire import Wire
from runtime.store import queues
from runtime.store import tables as t
from runtime.vendors import Pace
from sandbox.webhooks import Delivery
from tests.operations.firm import TODAY, Firm, money_in, open_firm

INVOICES = {"INV-1001": "Acme", "INV-1002": "Acme", "INV-2001": "Bolt"}
STEPS, STORIES = 15, 10
UNITS_OF_WORK = 12  # a crash comes at one of the next so many


class Decide(Protocol):
    """Confirm, reject or undo."""

    def __call__(self, app: App, *, organisation_id: str, receipt_id: str, actor: str) -> None: ...


class Fuse:
    """Ends the process at a unit of work, before its commit or after it."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.kind = ""

    def strikes(self, kind: str) -> bool:
        if self.left is None or kind != self.kind:
            return False
        self.left -= 1
        return self.left < 0


class Engine(RuleBasedStateMachine):
    """A firm with three invoices, its ledger and its CRM."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(TemporaryDirectory()))
        self.firm: Firm = self.stack.enter_context(open_firm(folder, "quickbooks", mail=False, wire=Wire()))
        self.fuse = Fuse()
        self.waiting: list[Delivery] = []
        self.versions: dict[tuple[str, str], int] = {}
        self.paid_in = 0

    @initialize()
    def open(self) -> None:
        firm = self.firm
        for number, name in INVOICES.items():
            firm.invoice(name, number, f"{number[-4:]}.00")
        firm.connect("quickbooks", firm.ledger.account)
        firm.connect("salesforce", firm.crm.org_id)
        firm.estate.quickbooks.subscribe("http://127.0.0.1:8000/webhooks/quickbooks")
        firm.poll()
        firm.work()
        self._start()

    def _start(self) -> None:
        store = MortalStore(self.firm.app.settings.database_url, cast("Faults", self.fuse))
        pace = Pace(lambda seconds: self.firm.time.advance(seconds=seconds))
        self.firm.app = build(self.firm.app.settings, clock=self.firm.time, pace=pace, store=store)

    @rule(number=st.sampled_from(list(INVOICES)), days=st.integers(1, 60))
    def edit_in_the_ledger(self, number: str, days: int) -> None:
        self.firm.ledger.edit_due_date(number, TODAY + timedelta(days=days))

    @rule(number=st.sampled_from(list(INVOICES)), days=st.integers(1, 60))
    def edit_in_the_crm(self, number: str, days: int) -> None:
        self.firm.edit_in_crm(number, Due_Date__c=(TODAY + timedelta(days=days)).isoformat())

    @rule(number=st.sampled_from(list(INVOICES)), works=st.booleans())
    def pay_by_bank(self, number: str, works: bool) -> None:
        if not (owed := self.firm.ledger.balance(number)):
            return
        self.paid_in += 1
        line = money_in(f"L{self.paid_in}", str(owed), INVOICES[number].upper(), number)
        self.firm.import_lines(line, name=f"{self.paid_in}.xml")
        if works:
            self.firm.work()

    @rule(number=st.sampled_from(list(INVOICES)))
    def an_accountant_records_a_part(self, number: str) -> None:
        if self.firm.ledger.balance(number) >= Decimal(10):
            self.firm.ledger.pay_by_hand(number, "10.00", on=TODAY)

    @rule(decide=st.sampled_from([confirm, reject, undo, undo]), which=st.integers(0, 9))
    def a_person_decides(self, decide: Decide, which: int) -> None:
        receipts = self.firm.rows(t.receipt)
        if receipts:
            receipt = receipts[which % len(receipts)]
            with suppress(RefusedError):
                decide(self.firm.app, organisation_id=self.firm.id, receipt_id=receipt.id, actor="dana")

    @rule(which=st.integers(0, 9), again=st.booleans())
    def a_webhook_arrives(self, which: int, again: bool) -> None:
        self.waiting += self.firm.pending_webhooks()
        if self.waiting:
            delivery = self.waiting.pop(which % len(self.waiting))
            for _ in range(1 + again):
                self.firm.take(delivery)

    @rule()
    def poll(self) -> None:
        self.firm.poll()

    @rule()
    def work(self) -> None:
        self.firm.work()

    @rule(units=st.integers(0, UNITS_OF_WORK), kind=st.sampled_from(["crash_before_commit", "crash_after_commit"]))
    def work_until_it_dies(self, units: int, kind: str) -> None:
        self.fuse.left, self.fuse.kind = units, kind
        try:
            self.firm.poll()
            self.firm.work()
        except Crash:
            self.firm.app.close()
            self._start()
            self.firm.time.advance(seconds=queues.LEASE.total_seconds())
        self.fuse.left = None

    @invariant()
    def money_is_conserved(self) -> None:
        play = cast("Play", SimpleNamespace(app=self.firm.app))
        assert money_conserved(play)[1] == []
        assert never_over_applied(play)[1] == []

    @invariant()
    def no_version_goes_back(self) -> None:
        for row in self.firm.rows(t.link, system="quickbooks"):
            version, key = int(row.version or 0), (row.kind, row.external_id)
            assert version >= self.versions.get(key, 0)
            self.versions[key] = version

    def teardown(self) -> None:
        try:
            self._come_to_rest()
        finally:
            self.stack.close()

    def _come_to_rest(self) -> None:
        firm = self.firm
        for delivery in reversed(self.waiting):
            firm.take(delivery)
        for _ in range(2):
            firm.time.advance(seconds=queues.LEASE.total_seconds())
            firm.settle()
        assert {row.state for row in firm.rows(t.inbox)} <= {queues.DONE}
        assert {row.state for row in firm.rows(t.outbox)} <= {queues.DONE, queues.SUPERSEDED, queues.ASIDE}
        for number in INVOICES:
            document: Any = firm.document(number)
            assert Decimal(document.balance_minor) / 100 == firm.ledger.balance(number)
            assert document.due_on == firm.ledger.due_on(number)
            assert firm.shown(number)["Due_Date__c"] == document.due_on.isoformat()
        applied = sorted(Decimal(row.amount_minor) / 100 for row in firm.rows(t.receipt, state="applied"))
        assert [each for each in firm.ledger.payments() if each != 10] == applied
        assert firm.writes_at_rest() == []


Engine.TestCase.settings = settings(
    max_examples=STORIES,
    stateful_step_count=STEPS,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # a story takes a second: it is told as it was found
    suppress_health_check=list(HealthCheck),
)
test_engine = Engine.TestCase
