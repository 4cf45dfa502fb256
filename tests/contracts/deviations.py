"""Where a contract is known to be wrong, old or silent: what it says, what the vendor does, and who says so.

A row that no traffic of the tests needs fails them: an excuse lives as long as its reason.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from tests.contracts.findings import Finding


@dataclass(frozen=True, slots=True)
class Deviation:
    """A row. `where` and `place` are regular expressions for the whole of a finding's; `rule` is the finding's own."""

    contract: str
    where: str
    place: str
    rule: str
    contract_says: str
    vendor_does: str
    evidence: str
    examples: tuple[str, ...] = ()  # places in the contract's own examples that show it: "GET /Payments 200 /Id"


DEVIATIONS = (
    Deviation(
        contract="xero",
        where=r".* answer 200",
        place=r"/(Id|Status|ProviderName|DateTimeUTC)",
        rule="unknown",
        contract_says="An answer holds its list and the pagination alone.",
        vendor_does="Each answer comes in a frame with its id, a status, the app's name and the time.",
        evidence="The contract's own examples; developer.xero.com/documentation/api/http-response-codes, 200 OK.",
        examples=tuple(f"GET /Payments 200 /{name}" for name in ("Id", "Status", "ProviderName", "DateTimeUTC")),
    ),
    Deviation(
        contract="xero",
        where=r".* answer (200|400)",
        place=r"/.*/(Date|DueDate)String",
        rule="unknown",
        contract_says="Dates are in Microsoft's form only.",
        vendor_does="JSON answers hold each date a second time, as ISO text.",
        evidence="The contract's own examples; developer.xero.com/documentation/api/requests-and-responses: "
        '"For some elements we also include a date string value on JSON responses".',
        examples=(
            "GET /Invoices 200 /Invoices/[]/DueDateString",
            "GET /BankTransactions 200 /BankTransactions/[]/DateString",
            "GET /BankTransfers 200 /BankTransfers/[]/DateString",
        ),
    ),
    Deviation(
        contract="xero",
        where=r".* answer 200",
        place=r"/(CreditNotes|Overpayments|Prepayments)/\[\]/ID",
        rule="unknown",
        contract_says="Credits have an id named after their kind.",
        vendor_does="They have the same id a second time, named ID.",
        evidence="The contract's own examples.",
        examples=tuple(f"GET /{name} 200 /{name}/[]/ID" for name in ("CreditNotes", "Overpayments", "Prepayments")),
    ),
    Deviation(
        contract="xero",
        where=r"(GET|PUT) .*/History answer 200",
        place=r"/HistoryRecords/\[\]/DateUTCString",
        rule="unknown",
        contract_says="A line of the history has its time in Microsoft's form only.",
        vendor_does="It has the time a second time, as text.",
        evidence="The contract's own examples.",
        examples=(
            "PUT /Invoices/{InvoiceID}/History 200 /HistoryRecords/[]/DateUTCString",
            "GET /Invoices/{InvoiceID}/History 200 /HistoryRecords/[]/DateUTCString",
        ),
    ),
    Deviation(
        contract="xero",
        where=r"GET /Invoices/{InvoiceID} answer 200",
        place="",
        rule="media type",
        contract_says="A PDF has an address of its own, /Invoices/{InvoiceID}/pdf.",
        vendor_does="It comes from the invoice's own address to whoever accepts application/pdf.",
        evidence="The contract's own x-path of getInvoiceAsPdf, which the official SDK follows.",
    ),
    Deviation(
        contract="xero",
        where=r"DELETE .*/Allocations/{AllocationID} answer 200",
        place="/AllocationId",
        rule="unknown",
        contract_says="The id of an allocation is named AllocationID.",
        vendor_does="The answer to its deletion spells it AllocationId.",
        evidence="The contract's own example.",
        examples=("DELETE /CreditNotes/{CreditNoteID}/Allocations/{AllocationID} 200 /AllocationId",),
    ),
    Deviation(
        contract="xero",
        where=r"((GET|PUT|DELETE) .* answer 404|DELETE .* answer 400)",
        place="",
        rule="status",
        contract_says="Reading or changing one object answers 200, or 400 to some changes, and nothing else.",
        vendor_does="An id that the organisation does not have is answered 404, with text that is no JSON; a deletion "
        "that breaks a rule, 400.",
        evidence="developer.xero.com/documentation/api/http-response-codes: 400 Validation Exception, 404 Not Found.",
    ),
    Deviation(
        contract="xero",
        where=r".* answer 401",
        place="",
        rule="status",
        contract_says="Nothing about a token that is not accepted.",
        vendor_does="It answers 401.",
        evidence="developer.xero.com/documentation/api/http-response-codes: 401 Unauthorized.",
    ),
    Deviation(
        contract="xero",
        where=r"(GET /identity/connect/authorize|POST /connect/(token|revocation))",
        place="",
        rule="path",
        contract_says="Consent and tokens are in none of Xero's OpenAPI files.",
        vendor_does="They follow OAuth 2.0 with PKCE.",
        evidence="developer.xero.com/documentation/guides/oauth2/auth-flow; RFC 6749, 7009 and 7636.",
    ),
    Deviation(
        contract="xero-identity",
        where=r"GET /Connections answer 200",
        place=r"/\[\]/(created|updated)DateUtc",
        rule="format",
        contract_says="A date-time, which has an offset (RFC 3339).",
        vendor_does="UTC with seven decimals and no offset.",
        evidence="The contract's own example.",
        examples=("GET /Connections 200 /[]/createdDateUtc",),
    ),
    Deviation(
        contract="xero-webhooks",
        where=r"webhook \w+",
        place=r"/events/\[\]/eventDateUtc",
        rule="format",
        contract_says="A date-time, which has an offset (RFC 3339).",
        vendor_does="UTC with three decimals and no offset.",
        evidence="The contract's own example: eventDateUtc 2025-12-02T00:44:09.923.",
    ),
    Deviation(
        contract="quickbooks",
        where=r"(GET /connect/oauth2|POST /oauth2/v1/tokens/bearer|POST /v2/oauth2/tokens/revoke)",
        place="",
        rule="path",
        contract_says="The XSD describes the accounting API alone.",
        vendor_does="Consent and tokens follow OAuth 2.0.",
        evidence="developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0; "
        "intuit-oauth 1.2.6, enums and discovery document.",
    ),
    Deviation(
        contract="quickbooks",
        where=r".* answer 200",
        place=r"/.*(Invoice|CreditMemo|Estimate)/CustomField",
        rule="xsd",
        contract_says="A custom field has a value.",
        vendor_does="One that nobody has filled in is shown with its definition, name and type alone.",
        evidence="developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/estimate, sample answers; "
        "invoice of Intuit's sample company, kept in PipedreamHQ/pipedream, "
        "components/quickbooks/sources/new-invoice-updated/test-event.mjs: Crew # without a StringValue.",
    ),
    Deviation(
        contract="quickbooks",
        where=r".* answer 200",
        place=r"/.*Preferences/SalesFormsPrefs/CustomField",
        rule="xsd",
        contract_says="The type of a preference's custom field is abstract: XML would name the real one by xsi:type.",
        vendor_does="JSON has no xsi:type; the member Type names it (BooleanType, StringType).",
        evidence="developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/preferences, sample object; "
        "Finance.xsd itself: CustomFieldDefinition is abstract with one derived type for each value of Type.",
    ),
    Deviation(
        contract="stripe",
        where=r"(GET|POST) (/oauth/(v2/authorize|authorize|token|deauthorize)|/v1/oauth/token)",
        place="",
        rule="path",
        contract_says="Consent and tokens are not in spec3.json.",
        vendor_does="Apps follow OAuth 2.0, with the secret key as client secret.",
        evidence="docs.stripe.com/stripe-apps/api-authentication/oauth; stripe 16.1, OAuth.",
    ),
)


def unused(used: Iterable[Deviation], contracts: Collection[str]) -> list[Deviation]:
    """Rows of these contracts that nothing needed."""
    needed = set(used)
    return [row for row in DEVIATIONS if row.contract in contracts and row not in needed]


def excuse(finding: Finding) -> Deviation | None:
    """The row that explains a finding, if there is one."""
    return next((row for row in DEVIATIONS if _explains(row, finding)), None)


def _explains(row: Deviation, finding: Finding) -> bool:
    return (
        (row.contract, row.rule) == (finding.contract, finding.rule)
        and re.fullmatch(row.where, finding.where) is not None
        and re.fullmatch(row.place, finding.place) is not None
    )
