"""A firm that writes texts through a stand-in of Twilio on loopback, to two customers whose mobiles are noted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reminders.evidence import Channel, LawfulBasis
from reminders.own_copy import CopyKind
from reminders.policy import Tone
from reminders.policy_file import read_policies
from runtime.operations.reaching.carrier_webhooks import take_carrier_webhook
from runtime.operations.reaching.channels import switch_channel
from runtime.operations.reaching.contact_points import note_contact
from runtime.operations.reminding.copies import set_copy
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.policies import set_policies
from runtime.operations.reminding.send import send_reminders
from runtime.store import connections
from runtime.store import tables as t
from sandbox.server import serve
from sandbox.twilio import TwilioAccount, TwilioStandIn
from sandbox.webhooks import Delivery
from tests import postgres
from tests.operations.copied import synced
from tests.operations.firm import PUBLIC_URL, Firm, open_firm

ACME, BOLT = "+447400123456", "+447400123457"
MOBILES = {"Acme": "07400 123456", "Bolt": "07400 123457"}
POLICY = """
policies:
  - name: texts
    levels:
      - {{days_after_due: 1, tone: friendly, channel: {channel}{more}}}
      - {{days_after_due: 14, tone: clear}}
"""


@dataclass
class Texting:
    """The firm, its carrier, and what tests do to them."""

    firm: Firm
    twilio: TwilioStandIn

    def policy(self, channel: str = "sms", more: str = "") -> None:
        text = POLICY.format(channel=channel, more=more)
        assert read_policies(text)
        set_policies(self.firm.app, organisation_id=self.firm.id, text=text, source="test", actor="owner")

    def note(self, name: str, address: str, channel: Channel = Channel.SMS, **more: object) -> None:
        values: dict[str, object] = {"basis": LawfulBasis.CONTRACT, "evidence": ""}
        note_contact(
            self.firm.app,
            organisation_id=self.firm.id,
            customer_id=self.id_of(name),
            channel=channel,
            address=address,
            actor="Dana Fenwick",
            **(values | more),  # type: ignore[arg-type]
        )

    def id_of(self, name: str) -> str:
        (row,) = self.firm.rows(t.customer, name=name)
        return str(row.id)

    def send(self) -> dict[str, int]:
        self.firm.switch_sending()
        plan_reminders(self.firm.app, self.firm.id)
        return dict(send_reminders(self.firm.app, self.firm.id))

    def take(self, delivery: Delivery) -> int:
        headers = {name.lower(): value for name, value in delivery.headers.items()}
        return take_carrier_webhook(self.firm.app, name="twilio", headers=headers, body=delivery.body)

    def states(self) -> list[tuple[str, str]]:
        return sorted((row.channel, row.state) for row in self.firm.rows(t.reminder))


@contextmanager
def open_texting(folder: Path, database_url: str | None = None) -> Iterator[Texting]:
    """A synced firm with its stand-in of Twilio, texts switched on and both mobiles noted."""
    account = TwilioAccount("AC" + "0" * 32, "not-a-real-token")
    with open_firm(folder, database_url=database_url) as firm:
        twilio = TwilioStandIn(clock=firm.time, account=account)
        twilio.inbound_url = f"{PUBLIC_URL}/webhooks/twilio"
        served = serve(twilio)
        settings = firm.app.settings
        settings.twilio_api_url, settings.twilio_account_sid = served.url, account.sid
        settings.twilio_auth_token = type(settings.twilio_auth_token)(account.token)
        settings.twilio_from_number = account.number
        synced(firm)
        found = Texting(firm, twilio)
        switch_channel(firm.app, organisation_id=firm.id, channel=Channel.SMS, on=True, actor="owner")
        for name, number in MOBILES.items():
            found.note(name, number)
        found.policy()
        try:
            yield found
        finally:
            served.stop()


def own_words(texting: Texting, kind: CopyKind, tone: Tone | None, text: str) -> None:
    """Let an organisation's own words count, or ours where the text is empty."""
    firm = texting.firm
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
    assert organisation is not None
    named: dict[str, Any] = {"kind": kind, "language": "en", "tone": tone}
    set_copy(firm.app, organisation=organisation, **named, text=text, actor="Dana Fenwick")


@pytest.fixture
def texting(tmp_path: Path) -> Iterator[Texting]:
    with open_texting(tmp_path) as found:
        yield found


@pytest.fixture
def shared_texting(postgres_server: postgres.Server, migrated_template: str, tmp_path: Path) -> Iterator[Texting]:
    """The same on PostgreSQL."""
    with (
        postgres_server.database(template=migrated_template) as name,
        open_texting(tmp_path, postgres_server.url(name)) as found,
    ):
        yield found
