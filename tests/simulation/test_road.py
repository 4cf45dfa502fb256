"""What a call on the road lets the product know."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from runtime.simulation.faults import KINDS, Faults
from runtime.simulation.road import Calls, named_in
from runtime.simulation.virtual import VirtualTime
from runtime.simulation.wire import Answered, Sent, Wire
from sandbox.estate import Estate
from sandbox.world import DEMO_START

ONE, OTHER = "24469a0f-d4b0-4ac7-8f5a-96fe7a5cf36e", "35570b1f-d4b0-4ac7-8f5a-96fe7a5cf36e"


def _get(system: str, path: str, query: str = "", body: bytes = b"") -> Sent:
    return Sent(system, 443, "GET", path, query, {}, body, None)


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        (_get("xero", "/api.xro/2.0/Invoices", f"where=Type%3D%3D%22ACCREC%22&IDs={ONE}%2C{OTHER}"), [ONE, OTHER]),
        (_get("xero", f"/api.xro/2.0/Invoices/{ONE}"), [ONE]),
        (_get("xero", "/api.xro/2.0/Invoices", "order=InvoiceID+ASC&page=1"), []),
        (
            _get("quickbooks", "/v3/company/9/query", body=b"SELECT * FROM Invoice WHERE Id IN ('12', '13')"),
            ["12", "13"],
        ),
        (_get("quickbooks", "/v3/company/9/query", body=b"SELECT * FROM Invoice ORDERBY Id"), []),
        (_get("salesforce", "/services/data/query", "q=SELECT+Id+FROM+TrueDue_Invoice__c"), []),
    ],
)
def test_a_reading_by_id_says_nothing_of_other_invoices(sent: Sent, named: list[str]) -> None:
    assert named_in(sent) == named


@pytest.mark.parametrize(("seconds", "arrives"), [(15.0, True), (25.0, False)])
def test_a_call_during_which_more_happens_than_its_client_waits_for_does_not_arrive_later(
    seconds: float, arrives: bool
) -> None:
    """Others have looked its effect up by then, and done the same again: no time-out of a client lets that happen."""
    time, wire = VirtualTime(DEMO_START), Wire()
    others = frozenset(KINDS) - {"meanwhile_worker"}
    always = {"meanwhile_worker": 1 / KINDS["meanwhile_worker"]}
    faults = Faults(Random(3), without=others, often=always)  # noqa: S311 - a repeatable draw, no secret
    sent = Sent("xero", 443, "PUT", f"/api.xro/2.0/Invoices/{ONE}/History", "", {}, b"{}", 20.0)
    arrived: list[bytes] = []

    def answer() -> Answered:
        arrived.append(sent.body)
        return Answered(200, (), b"{}")

    def work(_kind: str) -> None:
        time.advance(timedelta(seconds=0.0 if arrived else seconds))

    with Estate(clock=time.now, couriers=False, reach=wire.connect) as estate, wire.laid():
        calls = Calls(time, faults, estate, work, lambda _ids: None, lambda _ids, _deletes: False)
        if arrives:
            assert calls.carry(sent, answer).status == 200
        else:
            with pytest.raises(TimeoutError):
                calls.carry(sent, answer)
    assert faults.fired["meanwhile_worker"]
    assert bool(arrived) is arrives
