"""The panel's Apex, as far as a stand-in can run it: its own queries, read from the class, and what it writes.

What Apex makes of the rows is done again here. So the queries, the fields and the way from the panel to the ledger and
back are seen to work; that Apex itself does its part, its own tests show in an org.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.salesforce import SalesforceOrg
from sandbox.salesforce.metadata import PROJECT
from sandbox.salesforce.soql import parse

CLASSES = PROJECT / "force-app" / "main" / "default" / "classes"
BANDS = (0, 30, 60, 90)
LABELS = ("Not due yet", "1 to 30 days late", "31 to 60 days late", "61 to 90 days late", "More than 90 days late")
MOST = {"MOST_INVOICES": "200", "MOST_EVENTS": "20"}

Row = dict[str, Any]


def queries() -> list[str]:
    """Every query of the panel's class, on one line each."""
    text = (CLASSES / "TrueDuePanel.cls").read_text()
    return [re.sub(r"\s+", " ", found).strip() for found in re.findall(r"\[\s*(SELECT\b.*?)\]", text, re.DOTALL)]


def told_to_pages() -> set[str]:
    """The names of everything that the classes hand to the panel."""
    text = "".join((CLASSES / f"{name}.cls").read_text() for name in ("TrueDuePanel", "TrueDueAgeing"))
    return set(re.findall(r"@AuraEnabled\s+public [\w<>.]+ (\w+)", text))


@dataclass
class Panel:
    """The methods of the class TrueDuePanel, for one org, on the day `today`."""

    org: SalesforceOrg
    today: date

    def show(self, record_id: str) -> Row:
        """What the panel on this record's page shows."""
        deal = self._one("Opportunity", {"opportunityId": record_id}) if record_id.startswith("006") else None
        account_id = record_id if deal is None else str(deal["AccountId"])
        account = self._one("Account", {"accountId": account_id})
        invoices = [_invoice(row) for row in self.rows("TrueDue_Invoice__c", {"accountId": account_id})]
        view = {
            "customer": {
                "balance": account["TrueDue_Balance__c"],
                "overdue": account["TrueDue_Overdue__c"],
                "currencyCode": account["TrueDue_Currency__c"],
                "oldestDueOn": account["TrueDue_Oldest_Due_Date__c"],
                "hold": account["TrueDue_Hold__c"],
                "lastContactOn": account["TrueDue_Last_Contact__c"],
                "usuallyLate": account["TrueDue_Usually_Late__c"],
                "risk": account["TrueDue_Risk__c"],
                "riskReasons": account["TrueDue_Risk_Reasons__c"],
            },
            "invoices": invoices,
            "ageing": self._ageing(invoices),
            "happenings": self._happenings(account_id),
            "waiting": len(self.rows("TrueDue_Instruction__c", {"accountId": account_id}, place=1)),
        }
        if deal is not None:
            view["deal"] = {"name": deal["Name"], "amount": deal["Amount"], "isWon": deal["IsWon"]}
        return view

    def tell(self, record_id: str, said: Row) -> str:
        """Keep an instruction."""
        return self.org.create(
            "TrueDue_Instruction__c",
            Account__c=record_id,
            Invoice__c=said.get("invoiceId"),
            Action__c=said["action"],
            Until__c=said.get("until"),
            Reason__c=said.get("reason"),
        )

    def promise(self, invoice_id: str, promised_on: str) -> str:
        """Keep a promise."""
        self.org.update("TrueDue_Invoice__c", invoice_id, Promised_On__c=promised_on)
        return invoice_id

    def ask(self, opportunity_id: str, wanted: Row) -> str:
        """Keep a request for an invoice."""
        deal = self._one("Opportunity", {"opportunityId": opportunity_id})
        return self.org.create(
            "TrueDue_Invoice__c",
            Name=deal["Name"],
            Account__c=deal["AccountId"],
            Opportunity__c=opportunity_id,
            Description__c=deal["Name"],
            Requested_Amount__c=wanted["amount"],
            Currency__c=wanted["currencyCode"],
            Due_Date__c=wanted["dueOn"],
        )

    def rows(self, sobject: str, bound: Row, *, place: int = 0) -> list[Row]:
        """Run the class's query of this object (or its second, with `place` 1) and return what it finds."""
        soql = [each for each in queries() if f" FROM {sobject} " in each][place].replace("WITH USER_MODE", "")
        for name, value in (MOST | {name: f"'{value}'" for name, value in bound.items()}).items():
            soql = soql.replace(f":{name}", value)
        query = parse(soql, self.org.schema, lambda name, key: self.org.records[name].get(key))
        records = (record for record in self.org.records[query.sobject].values() if not record["IsDeleted"])
        found = query.run(records)
        return [{"Id": each["Id"]} | {c.field.name: c.of(each) for c in query.fields} for each in found]

    def _one(self, sobject: str, bound: Row) -> Row:
        (row,) = self.rows(sobject, bound)
        return row

    def _ageing(self, invoices: list[Row]) -> list[Row]:
        sums: dict[str, list[Decimal]] = {}
        for each in invoices:
            if each["status"] == "open" and each["amount"] > 0:
                late = (self.today - date.fromisoformat(each["dueOn"])).days
                band = sum(late > last for last in BANDS)
                sums.setdefault(each["currencyCode"], [Decimal(0)] * len(LABELS))[band] += each["amount"]
        return [
            {
                "currencyCode": code,
                "bands": [{"label": LABELS[band], "amount": amount} for band, amount in enumerate(each)],
            }
            for code, each in sums.items()
        ]

    def _happenings(self, account_id: str) -> list[Row]:
        found = [
            {
                "kind": "receipt",
                "id": row["Id"],
                "day": row["Received_On__c"],
                "words": row["Payer__c"],
                "state": row["Status__c"],
                "amount": row["Amount__c"],
                "currencyCode": row["Currency__c"],
            }
            for row in self.rows("TrueDue_Receipt__c", {"accountId": account_id})
        ]
        for kind, sobject, day, words, state in (
            ("reminder", "TrueDue_Reminder__c", "Sent_At__c", "Detail__c", "Channel__c"),
            ("instruction", "TrueDue_Instruction__c", "CreatedDate", "Answer__c", "Status__c"),
        ):
            found += [
                {"kind": kind, "id": row["Id"], "day": row[day][:10], "words": row[words], "state": row[state]}
                for row in self.rows(sobject, {"accountId": account_id})
            ]
        return sorted(found, key=lambda each: str(each["day"]), reverse=True)


def _invoice(row: Row) -> Row:
    return {
        "id": row["Id"],
        "title": row["Number__c"] or row["Name"],
        "status": row["Status__c"],
        "currencyCode": row["Currency__c"],
        "amount": row["Requested_Amount__c"] if row["Total__c"] is None else row["Balance__c"],
        "dueOn": row["Due_Date__c"],
        "disputed": row["Disputed__c"],
        "promisedOn": row["Promised_On__c"],
        "pausedUntil": row["Paused_Until__c"],
    }
