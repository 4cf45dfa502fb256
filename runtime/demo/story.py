"""The demo's story, step by step: what people, payers and vendors do, and what the product makes of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urlencode

from sqlalchemy import func, select

from connectors import registry
from connectors.contract import Role
from runtime.demo import people
from runtime.demo.stage import Stage, visitor
from runtime.operations.bank_files.import_statement import import_statement
from runtime.operations.organisations import switch_sending
from runtime.operations.payers.pay_by_card import switch_card_payments
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.send import send_reminders
from runtime.operations.systems.pull import pull
from runtime.operations.systems.show_in_crm import anything_unshown
from runtime.operations.work import poll
from runtime.store import connections
from runtime.store import tables as t

QUIET_SECONDS = 150.0  # a vendor that counts calls by the minute may keep the last ones waiting for two of them
STEP_TIMEOUT_SECONDS = 10.0
PAUSE_BETWEEN_PAYMENTS_SECONDS = 0.4  # payers do not all press the button at once

Announce = Callable[[str], None]


@dataclass
class Story:
    """Plays the job once. `counts` says per step how much was done, `seconds` how long it took."""

    stage: Stage
    announce: Announce
    ids: dict[str, str] = field(default_factory=dict)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    STEPS: ClassVar[tuple[str, ...]] = (
        "connect",
        "first_sync",
        "edits",
        "bank_files",
        "review",
        "plan",
        "live_payments",
        "send",
        "later_events",
        "send_again",
        "settle",
    )

    def play(self, done: Callable[[str], None]) -> None:
        """Play every step, telling `done` after each."""
        for name in self.STEPS:
            began = time.monotonic()
            self.announce(name)
            before = self._tally()
            counted: Counter[str] = getattr(self, f"_{name}")()
            self._wait_until_quiet()
            counted.update(self._tally() - before)
            self.counts[name] = {key: count for key, count in counted.items() if count}
            self.seconds[name] = round(time.monotonic() - began, 2)
            done(name)

    def _connect(self) -> Counter[str]:
        """Make both organisations and connect all their systems through the vendors' consent pages."""
        browser = visitor()
        for key, firm in self.stage.world.organisations.items():
            self.ids[key] = people.found(self.stage.app, firm)
            for system, account in people.accounts_of(self.stage.world, self.stage.estate, key).items():
                self._consent(browser, self.ids[key], system, account)
        self.stage.estate.begin_webhooks(self.stage.url)
        return Counter(organisations=len(self.ids), connections=len(self.ids) * 3)

    def _consent(self, browser: Any, organisation_id: str, system: str, account: str) -> None:  # noqa: ANN401
        """Walk through a consent as a person does, choosing `account` on the vendor's page."""
        start = f"{self.stage.url}/connect/{system}?{urlencode({'organisation': organisation_id})}"
        to_vendor = browser.get(start, allow_redirects=False, timeout=STEP_TIMEOUT_SECONDS).headers["Location"]
        page = f"{to_vendor}&{urlencode({'login_hint': account})}"
        back = browser.get(page, allow_redirects=False, timeout=STEP_TIMEOUT_SECONDS).headers["Location"]
        answer = browser.get(back, allow_redirects=False, timeout=STEP_TIMEOUT_SECONDS)
        if answer.status_code != 303:
            raise RuntimeError(f"connecting {system} failed: {answer.status_code} {answer.text[:300]}")

    def _first_sync(self) -> Counter[str]:
        """Read everything once, say what each bank account proves, and show it all in the CRM."""
        counted: Counter[str] = Counter()
        for key, organisation_id in self.ids.items():
            with self.stage.app.store.read() as db:
                mine = connections.connections(db, organisation_id)
            for connection in sorted(mine, key=lambda each: registry.SYSTEMS.index(each.system)):
                counted.update(pull(self.stage.app, connection))
            people.confirm_links(self.stage.app, organisation_id)
            firm = self.stage.world.organisations[key]
            people.declare_banks(self.stage.app, {firm.currency: firm.bank_account}, organisation_id)
            switch_sending(self.stage.app, organisation_id=organisation_id, on=True, actor="owner")
            switch_card_payments(self.stage.app, organisation_id=organisation_id, on=True, actor="owner")
        self.stage.app.wake()
        return counted

    def _edits(self) -> Counter[str]:
        """People edit records in Salesforce and in the ledgers; each edit reaches the other side."""
        edits = self.stage.world.live_edits()
        for edit in edits:
            edit.fire()
        poll(self.stage.app, roles=[Role.CRM])  # the ledgers tell by webhook, Salesforce is asked
        self.stage.app.wake()
        return Counter(edits=len(edits))

    def _bank_files(self) -> Counter[str]:
        """Import a camt.053 file and an MT940 file; receipts are matched, applied and posted."""
        counted: Counter[str] = Counter()
        files = self.stage.world.write_statements(self.stage.folder / "statements")
        for key, file in files.items():
            imported = import_statement(
                self.stage.app, organisation_id=self.ids[key], name=file.name, content=file.read_bytes()
            )
            counted.update(lines=imported.entries, receipts=imported.added)
        self.stage.app.wake()
        return counted

    def _review(self) -> Counter[str]:
        """An accountant who knows the customers works the review queue on its page."""
        counted: Counter[str] = Counter()
        browser = visitor()
        for key, organisation_id in self.ids.items():
            for row in people.pending_bank_receipts(self.stage.app, organisation_id):
                verdict = people.verdict(self.stage.app, self.stage.world, key, row)
                if verdict is None:
                    counted["left_open"] += 1
                    continue
                address = f"{self.stage.url}/o/{organisation_id}/review/{row['id']}/{verdict}"
                answer = browser.post(
                    address,
                    headers={"Origin": self.stage.url},
                    allow_redirects=False,
                    timeout=STEP_TIMEOUT_SECONDS,
                )
                counted[verdict if answer.status_code == 303 else f"{verdict}_refused"] += 1
        return counted

    def _plan(self) -> Counter[str]:
        """Plan the reminders of what is due now."""
        counted: Counter[str] = Counter()
        for organisation_id in self.ids.values():
            counted.update(plan_reminders(self.stage.app, organisation_id))
        return counted

    def _live_payments(self) -> Counter[str]:
        """Customers pay by card while their reminders are planned: webhooks withdraw what they pay."""
        return self._fire("before")

    def _send(self) -> Counter[str]:
        """Send what is still truly due, by e-mail."""
        counted: Counter[str] = Counter()
        for organisation_id in self.ids.values():
            counted.update(send_reminders(self.stage.app, organisation_id))
        return counted

    def _later_events(self) -> Counter[str]:
        """After the reminders: more payments, and a bank debit that fails late."""
        return self._fire("after")

    def _send_again(self) -> Counter[str]:
        """Plan and send once more: what the failed debit had held is due again, and nobody hears from us twice."""
        self._plan()
        return self._send()

    def _settle(self) -> Counter[str]:
        """Read every system once more: what webhooks told us is confirmed, and nothing new is written."""
        counted = Counter({f"read_{name}": count for name, count in poll(self.stage.app).items()})
        self.stage.app.wake()
        return counted

    def _fire(self, stage: str) -> Counter[str]:
        payments = [payment for payment in self.stage.world.live_payments() if payment.stage == stage]
        for payment in payments:
            payment.fire()
            time.sleep(PAUSE_BETWEEN_PAYMENTS_SECONDS)
        return Counter(payment.name for payment in payments)

    def _tally(self) -> Counter[str]:
        """What the product's workers have done so far."""
        with self.stage.app.store.read() as db:
            counted = {
                f"{name}_done": db.scalar(select(func.count()).select_from(table).where(table.c.state == "done")) or 0
                for name, table in (("webhooks", t.inbox), ("writes", t.outbox))
            }
            for state, count in db.execute(select(t.receipt.c.state, func.count()).group_by(t.receipt.c.state)):
                counted[f"receipts_{state}"] = count
            shown = select(func.count()).select_from(t.document).where(t.document.c.shown_at.is_not(None))
            counted["invoices_shown"] = db.scalar(shown) or 0
        return Counter(counted)

    def _wait_until_quiet(self) -> None:
        """Wait until every webhook was delivered and worked off."""
        deadline = time.monotonic() + QUIET_SECONDS
        while not (self.stage.estate.idle() and self._nothing_due()):
            if time.monotonic() > deadline:
                raise RuntimeError(f"the product did not come to rest within {QUIET_SECONDS:.0f} seconds")
            time.sleep(0.05)

    def _nothing_due(self) -> bool:
        with self.stage.app.store.read() as db:
            waiting = [
                db.scalar(select(func.count()).select_from(table).where(table.c.state == "new")) or 0
                for table in (t.inbox, t.outbox, t.receipt)
            ]
            unshown = any(anything_unshown(db, organisation_id) for organisation_id in self.ids.values())
        return not any(waiting) and not unshown
