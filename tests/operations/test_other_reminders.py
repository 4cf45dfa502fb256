"""A ledger that tells whether it reminds is asked once a day; what no system tells, a person says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from connectors.contract import Role
from runtime.operations.systems.disconnect import disconnect
from runtime.operations.systems.other_reminders import OtherReminders, other_reminders, say_what_else_reminds
from runtime.store import connections
from sandbox.xero import XeroBooks
from tests.operations.firm import Firm, open_firm

ASKED = "GET /api.xro/2.0/InvoiceReminders/Settings"


@pytest.fixture
def firm(tmp_path: Path) -> Iterator[Firm]:
    with open_firm(tmp_path, "xero", mail=False) as opened:
        opened.connect("xero", opened.ledger.account)
        opened.switch_sending()
        yield opened


def books(firm: Firm) -> XeroBooks:
    return firm.estate.xero.organisations[firm.ledger.account]


def known(firm: Firm) -> OtherReminders:
    with firm.app.store.read() as db:
        organisation = connections.organisation(db, firm.id)
        assert organisation is not None
        return other_reminders(db, organisation)


def forbidding(request: Request, handle: Callable[[], Response]) -> Response:
    """An organisation in which this one question is forbidden."""
    return Response(status=403) if "InvoiceReminders" in request.path else handle()


def test_xero_is_asked_once_a_day_and_a_person_need_not_look(firm: Firm) -> None:
    assert known(firm) == OtherReminders((("Xero", False),), (), None, sending_on=True)
    assert known(firm).warning is None
    books(firm).sends_reminders = True
    firm.time.advance(hours=23)
    firm.poll()
    assert firm.ledger.standin.calls[ASKED] == 1
    firm.time.advance(hours=1)
    firm.poll()
    assert firm.ledger.standin.calls[ASKED] == 2
    assert known(firm).warning == "Xero sends reminders of its own: customers hear twice, so switch them off there"
    assert firm.problems() == ["system_reminds"]


def test_a_person_is_asked_while_nobody_tells(firm: Firm) -> None:
    disconnect(firm.app, organisation_id=firm.id, role=Role.LEDGER, actor="Ada")
    assert known(firm).is_needed
    assert "nobody has said" in (known(firm).warning or "")


def test_reminders_that_xero_no_longer_sends_trouble_nobody(firm: Firm) -> None:
    books(firm).sends_reminders = True
    firm.time.advance(days=1)
    firm.poll()
    assert firm.problems() == ["system_reminds"]
    books(firm).sends_reminders = False
    firm.time.advance(days=1)
    firm.poll()
    assert firm.problems() == []
    assert known(firm).warning is None


def test_while_nothing_is_sent_it_is_no_problem_that_xero_reminds(firm: Firm) -> None:
    firm.switch_sending(on=False)
    books(firm).sends_reminders = True
    firm.time.advance(days=1)
    firm.poll()
    assert firm.problems() == []
    assert known(firm).reminding == ("Xero",)


def test_what_stripe_does_a_person_says(firm: Firm) -> None:
    firm.connect("stripe", firm.stripe.account_id)
    firm.poll()
    assert known(firm).silent == ("Stripe",)
    assert known(firm).is_needed
    say_what_else_reminds(firm.app, organisation_id=firm.id, others_remind=True, actor="Ada")
    assert known(firm).reminding == ("Stripe",)
    say_what_else_reminds(firm.app, organisation_id=firm.id, others_remind=False, actor="Ada")
    assert known(firm).warning is None
    books(firm).sends_reminders = True
    firm.time.advance(days=1)
    firm.poll()
    assert known(firm).reminding == ("Xero",), "Xero's own word counts, whatever a person said"


def test_a_xero_that_does_not_answer_keeps_its_word_and_the_connection(firm: Firm) -> None:
    books(firm).sends_reminders = True
    firm.time.advance(days=1)
    firm.poll()
    firm.time.advance(days=1)
    firm.ledger.standin.interceptor = forbidding
    firm.poll()
    assert firm.ledger.standin.calls[ASKED] == 2
    assert known(firm).reminding == ("Xero",)
    assert firm.connection(Role.LEDGER).status == connections.CONNECTED
