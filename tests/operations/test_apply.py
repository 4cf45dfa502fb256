"""From a bank line to the ledger and the CRM: matched, applied and posted exactly once, and taken back as a whole."""

from __future__ import annotations

from decimal import Decimal


from tests.operations.firm import Firm, money_in


def test_money_is_matched_posted_once_and_shown(any_firm: Firm) -> None:
    any_firm.import_lines(money_in("L1", "120.00", "ACME LTD", "INV-1001"))
    any_firm.work()
    assert any_firm.receipt().state == "applied"
    assert any_firm.ledger.payments() == [Decimal("120.00")]
    assert any_firm.ledger.balance("INV-1001") == 0
    any_firm.settle()
    assert any_firm.document("INV-1001").status == "paid"
    shown = any_firm.shown("INV-1001")
    assert (shown["Status__c"], Decimal(str(shown["Balance__c"]))) == ("paid", Decimal(0))
