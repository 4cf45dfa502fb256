"""Salesforce: accounts, contacts and requests are read, invoices, balances, receipts and reminders are shown.

Modules: `client` (calls through simple-salesforce), `usage` (the org's daily calls), `reading` (SOQL and records),
`writing` (rows of intents), `careful` (writes into what people edit), `knock` (what the package tells us), `connector`
(the contract). The objects and fields stand in `addon_manifest/salesforce`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from connectors.contract import Access, Account, Declaration, Endpoint, OAuthShape, Role
from connectors.crm.salesforce.client import BATCH, Client
from connectors.crm.salesforce.connector import SalesforceConnector
from connectors.crm.salesforce.knock import key_of, notices, verify
from connectors.errors import ConnectorError, Fatal
from connectors.intents import (
    AdoptInvoice,
    AnswerInstruction,
    EditContact,
    ShowBalance,
    ShowInvoice,
    ShowReceipt,
    ShowReminder,
)
from connectors.limits import Limit
from connectors.records import Kind

__all__ = ["DECLARATION", "SalesforceConnector"]


def _accounts(
    endpoint: Endpoint, token: Mapping[str, object], query: Mapping[str, str], access: Callable[[Account], Access]
) -> list[Account]:
    """Return the one org of a consent, from the identity URL `…/id/ORG/USER` of the token answer."""
    del endpoint, query
    parts = urlsplit(str(token.get("id", ""))).path.strip("/").split("/")
    if len(parts) != 3 or parts[0] != "id":
        raise Fatal("Salesforce's token answer names no org")
    org = Account(external_id=parts[1], name=parts[1], instance_url=str(token.get("instance_url", "")))
    return [Account(org.external_id, _name(access(org)), org.instance_url)]


def _name(access: Access) -> str:
    """Ask for the org's name; a user who may not see it still connects, and the org is called by its id."""
    client, org_id = Client(access), access.account.external_id
    try:
        rows = [row for page in client.query("SELECT Name FROM Organization", urgent=True) for row in page]
    except ConnectorError:
        return org_id
    finally:
        client.close()
    return str(rows[0]["Name"]) if rows else org_id


DECLARATION = Declaration(
    system="salesforce",
    title="Salesforce",
    role=Role.CRM,
    reads=(Kind.CUSTOMER, Kind.CONTACT, Kind.INVOICE, Kind.INVOICE_REQUEST, Kind.INSTRUCTION),
    writes=(ShowInvoice, ShowBalance, ShowReceipt, ShowReminder, AdoptInvoice, AnswerInstruction, EditContact),
    # Enterprise edition: 100,000 calls in 24 hours and more by licence; other tools of the org share them.
    limits=(Limit(calls=100_000, seconds=86_400.0, reserve=10_000),),
    oauth=OAuthShape(
        authorize_path="/services/oauth2/authorize",
        token_path="/services/oauth2/token",  # noqa: S106 - a path
        revoke_path="/services/oauth2/revoke",
        scopes=("api", "refresh_token"),
        client_in_body=True,
    ),
    open=SalesforceConnector,
    accounts=_accounts,
    verify=verify,
    notices=notices,
    knock_key=key_of,
    fetch_batch=BATCH,
)
