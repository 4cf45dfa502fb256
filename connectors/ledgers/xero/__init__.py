"""Xero: contacts, sales invoices, credit notes and money received, through the official SDK."""

from __future__ import annotations

from connectors.contract import Access, Declaration, OAuthShape, Role, SignIn
from connectors.intents import (
    AllocateCredit,
    AttachFile,
    DraftInvoice,
    EditCustomer,
    EditDocument,
    LinkDocument,
    NoteDocument,
    OfferPayment,
    PostCharge,
    PostPayout,
    PostReceipt,
    UndoPosting,
    WriteDown,
)
from connectors.ledgers.connector import LedgerConnector
from connectors.ledgers.xero.attachments import FILES_SCOPE
from connectors.ledgers.xero.client import XeroClient
from connectors.ledgers.xero.hooks import accounts, invoice_page, leave, notices, verify
from connectors.ledgers.xero.limits import LIMITS, MAX_CONCURRENT_CALLS
from connectors.ledgers.xero.pay_button import template
from connectors.ledgers.xero.read import FETCH_BATCH, XeroReader
from connectors.ledgers.xero.write import XeroWriter
from connectors.records import Kind


class XeroConnector(LedgerConnector):
    """One open tenant. Xero alone among the ledgers tells of its reminders (`connectors.contract.TellsOfReminders`)."""

    def __init__(self, client: XeroClient, reader: XeroReader, writer: XeroWriter) -> None:
        super().__init__(client, reader, writer)
        self._xero = reader

    def reminds(self) -> bool:
        """Return whether Xero's invoice reminders are switched on."""
        return self._xero.reminds()


def _open(access: Access) -> XeroConnector:
    client = XeroClient(access)
    reader = XeroReader(client)
    return XeroConnector(client, reader, XeroWriter(client, reader, access.clock))


DECLARATION = Declaration(
    system="xero",
    title="Xero",
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
        AttachFile,
        EditDocument,
        EditCustomer,
        OfferPayment,
        LinkDocument,
    ),
    limits=LIMITS,
    oauth=OAuthShape(
        authorize_path="/identity/connect/authorize",
        token_path="/connect/token",  # noqa: S106 - a path
        revoke_path="/connect/revocation",
        scopes=(
            "offline_access",
            "accounting.invoices",
            "accounting.payments",
            "accounting.banktransactions",
            "accounting.contacts",
            "accounting.settings",
            FILES_SCOPE,
        ),
        # Source: developer.xero.com, Payment Services: for certified payment service partners alone.
        more_scopes=("paymentservices",),
    ),
    scope_of={AttachFile: FILES_SCOPE},
    open=_open,
    accounts=accounts,
    verify=verify,
    notices=notices,
    fetch_batch=FETCH_BATCH,
    leave=leave,
    pay_button=template,
    invoice_page=invoice_page,
    concurrent=MAX_CONCURRENT_CALLS,
    # Source: Xero's discovery document. It says of no address whether it is verified.
    sign_in=SignIn(issuer="https://identity.xero.com", keys_path="/.well-known/openid-configuration/jwks"),
)
