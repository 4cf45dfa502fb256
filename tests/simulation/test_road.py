"""What a call on the road lets the product know."""

from __future__ import annotations

import pytest

from runtime.simulation.road import named_in
from runtime.simulation.wire import Sent

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
