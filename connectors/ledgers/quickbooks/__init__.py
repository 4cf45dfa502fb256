"""QuickBooks Online: customers, invoices, credit memos and money received, through the SDK."""

from __future__ import annotations

from connectors.contract import Access, Declaration, OAuthShape, Role, SignIn
from connectors.intents import (
    AllocateCredit,
    DraftInvoice,
    EditCustomer,
    EditDocument,
    LinkDocument,
    NoteDocument,
    PostCharge,
    PostPayout,
    PostReceipt,
    UndoPosting,
    WriteDown,
)
from connectors.ledgers.connector import LedgerConnector
from connectors.ledgers.quickbooks.client import BATCH, QuickBooksClient
from connectors.ledgers.quickbooks.hooks import accounts, invoice_page, notices, verify
from connectors.ledgers.quickbooks.read import FETCH_BATCH, QuickBooksReader
from connectors.ledgers.quickbooks.write import QuickBooksWriter
from connectors.limits import Limit
from connectors.records import Kind


def _open(access: Access) -> LedgerConnector:
    client = QuickBooksClient(access)
    reader = QuickBooksReader(client, access.clock)
    return LedgerConnector(client, reader, QuickBooksWriter(client, reader))


DECLARATION = Declaration(
    system="quickbooks",
    title="QuickBooks",
    role=Role.LEDGER,
    reads=(Kind.ACCOUNT, Kind.CUSTOMER, Kind.INVOICE, Kind.CREDIT_NOTE, Kind.PAYMENT, Kind.CODED_RECEIPT),
    writes=(
        PostReceipt,
        UndoPosting,
        PostPayout,
        AllocateCredit,
        WriteDown,
        DraftInvoice,
        PostCharge,
        NoteDocument,
        EditDocument,
        EditCustomer,
        LinkDocument,
    ),
    # Published for each company: 500 calls a minute, 40 of them batches, and 10 a second for each app; one of these
    # is left to `accounts`.
    limits=(Limit(499, 60.0, reserve=50), Limit(9, 1.0, reserve=2), Limit(40, 60.0, of=BATCH)),
    oauth=OAuthShape(
        authorize_path="/connect/oauth2",
        token_path="/oauth2/v1/tokens/bearer",  # noqa: S106 - a path
        revoke_path="/v2/oauth2/tokens/revoke",
        scopes=("com.intuit.quickbooks.accounting", "openid"),
    ),
    open=_open,
    accounts=accounts,
    verify=verify,
    notices=notices,
    fetch_batch=FETCH_BATCH,
    one_payer=True,
    draft_is_invoice=False,
    invoice_page=invoice_page,
    # Source: Intuit's discovery document and its OpenID Connect page, where no id token bears a nonce.
    sign_in=SignIn(
        issuer="https://oauth.platform.intuit.com/op/v1",
        keys_path="/op/v1/jwks",
        person_path="/v1/openid_connect/userinfo",
        repeats_nonce=False,
    ),
)
