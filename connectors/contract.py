"""What a connector declares, and how the engine reaches it.

What it reads stands in `records`, what it writes in `intents`. Identifiers are the vendor's own (`*_external_id`).
A connector decides nothing: it reads, writes and names errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from connectors.intents import Found, Intent, Outcome
from connectors.limits import Budget, Limit
from connectors.records import Kind, Page, TaxCode
from receivables.invoiced import Invoiced, Issuer

CALL_TIMEOUT_SECONDS = 20.0  # of every external call; the slowest vendor answer we wait for
MAX_TAX_CODES = 2_000  # of a ledger


class Role(StrEnum):
    """What an organisation uses a system for; it has at most one connection a role."""

    LEDGER = "ledger"
    CRM = "crm"
    PROCESSOR = "processor"


@dataclass(frozen=True, slots=True)
class Notice:
    """A webhook's claim that an object changed. It is never trusted for content: the object is read again."""

    account: str
    event_id: str
    kind: Kind | None  # None: a kind of event that we do not follow
    external_id: str
    occurred_at: datetime | None


# --- how a vendor is reached ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a vendor answers, and who we are to it.

    `authorize_url`, `revoke_url` and `person_url` differ from `identity_url` where the vendor has hosts of their own
    for the consent page, for ending a consent and for telling who signed in. `more_scopes`: whether the vendor lets our
    app ask for the scopes that it gives to few.
    """

    api_url: str
    identity_url: str
    client_id: str
    client_secret: str
    authorize_url: str = ""
    revoke_url: str = ""
    person_url: str = ""
    more_scopes: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """An organisation's account at a vendor (Xero tenant, QuickBooks realm, Salesforce org, Stripe account).

    `instance_url` is where the vendor has this account, where it has an address of its own for each.
    """

    external_id: str
    name: str
    instance_url: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    """What a connector needs to act for one account. `token` returns a valid access token at each call.

    `another` takes one that the vendor refuses all the same, as it does when it ended a token before its time, and
    returns another of the same consent; Reconnect when there is none. A connector asks for it once a call.
    """

    account: Account
    endpoint: Endpoint
    token: Callable[[], str]
    another: Callable[[str], str]
    budget: Budget
    clock: Callable[[], datetime]


class Connector(Protocol):
    """One open account of a vendor. Every call is bounded in time and raises a ConnectorError when it fails.

    `fetch`, `write` and `find` take from the budget as urgent (a webhook or a person waits); `read` does not.
    """

    def read(self, kind: Kind, *, since: datetime | None) -> Iterator[Page]:
        """Yield all objects of `kind`, or those changed at or after `since`, in pages of the vendor's largest size."""
        ...

    def fetch(self, kind: Kind, external_ids: Sequence[str]) -> Page:
        """Read these objects again, now, in as few calls as the vendor allows; absent ones are left out.

        Where a vendor only ever names what exists, the page says which ones it does `not_shown` yet.
        """
        ...

    def write(self, intents: Sequence[Intent]) -> list[Outcome]:
        """Carry out intents in as few calls as the vendor allows; one outcome each, in order.

        Repeating an intent with the same key has no second effect. A whole call that fails gives its error
        as the outcome of each intent in it; nothing is raised for a vendor's refusal.
        """
        ...

    def find(self, intents: Sequence[Intent]) -> list[Found]:
        """Look up which intents took effect whose answer was lost, in as few calls as the vendor allows.

        One answer each, in order: what was done; None where it took no effect; an error where that cannot be told.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


@runtime_checkable
class PrintsInvoices(Protocol):
    """A connector of a system that prints its invoices. Every ledger does."""

    def printed(self, external_id: str) -> bytes:
        """Return an invoice as PDF, as the organisation's customers know it; Absent when it is gone."""
        ...


@runtime_checkable
class StatesInvoices(Protocol):
    """A connector of a system that tells what stands in its invoices, line by line. Every ledger is one."""

    def issuer(self) -> Issuer:
        """Return who issues the invoices, and what the taxes on them are, in a few calls: it seldom changes."""
        ...

    def invoiced(self, external_id: str, issuer: Issuer) -> Invoiced:
        """Return an invoice in full, in one call; Absent when it is gone, Reject when some of it cannot be read."""
        ...


@runtime_checkable
class FetchesByKey(Protocol):
    """A connector of a system whose records bear our ids. Every CRM does."""

    def fetch_by_key(self, kind: Kind, keys: Sequence[str]) -> Page:
        """Read the records that bear these ids of ours, now; what there is no living record of is left out."""
        ...


@runtime_checkable
class ShowsInvoicesOnline(Protocol):
    """A connector of a system that has a page of each invoice for its customer. Every ledger is one."""

    def online(self, external_id: str) -> str:
        """Return the address at which a customer sees the invoice, and may pay it; "" where it has none (yet).

        Absent when the invoice is gone.
        """
        ...


@runtime_checkable
class TellsOfReminders(Protocol):
    """A connector of a system that may remind customers itself, and tells whether it does."""

    def reminds(self) -> bool:
        """Return whether the system sends reminders of its own in this account, in one call."""
        ...


@runtime_checkable
class ListsTaxCodes(Protocol):
    """A connector of a system that books sales under tax codes. Every ledger does."""

    def tax_codes(self) -> tuple[TaxCode, ...]:
        """Return the living codes that what we write on sales can bear, by name; at most MAX_TAX_CODES, else Fatal."""
        ...


@dataclass(frozen=True, slots=True)
class OAuthShape:
    """How a vendor's OAuth differs: paths under the identity URL, scopes, how the client is named to the token path.

    The client's id and secret go into the Basic header, or with `client_in_body` into the form; with
    `secret_as_username` the Basic header holds the secret alone, as user name. `revoke_account_field` is set where
    a consent is ended by naming its account in that form field instead of giving a token. `more_scopes` are those that
    the vendor gives to few apps: a consent that asks for one without being of these fails as a whole.
    """

    authorize_path: str
    token_path: str
    revoke_path: str
    scopes: tuple[str, ...]
    client_in_body: bool = False
    pkce: bool = True
    secret_as_username: bool = False
    revoke_account_field: str = ""
    more_scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SignIn:
    """How people sign in at a vendor by OpenID Connect.

    `issuer` is what its id tokens name, its keys are at `keys_path` under the identity URL. A vendor whose id tokens
    tell no address tells it at `person_path` under the person URL. `repeats_nonce`: whether its id tokens bear the
    nonce that was sent; where they do not, a code that serves once and the state bind the answer to the browser.
    """

    issuer: str
    keys_path: str
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    person_path: str = ""
    repeats_nonce: bool = True


@dataclass(frozen=True, slots=True)
class Declaration:
    """Everything the engine needs to know of a vendor before a call is made.

    `accounts(endpoint, token, query, access)` tells which accounts a consent covers: `token` is the token answer,
    `query` the parameters of the redirect, and `access` gives what it takes to ask one of them for its name: that call
    counts against the account's limits as any other. `verify(secret, headers, body, now)` checks a webhook's signature
    on the raw body in constant time (header names in lower case). `notices(body)` raises ValueError on an unreadable
    body.
    `reads` are in the order in which a first load needs them. `leave(endpoint, token, account)` ends one account's part
    of a consent that several share, where the vendor has such consents; an account that is not in it is left already.
    `knock_key(secret, account)` returns the key with which our package at the vendor tells of changes in an account.
    `invoice_page(account, external_id)` returns where people of the account see an invoice in the vendor's own pages.
    `pay_button(address)` returns a page's address as the vendor's pay-now button takes it, with its placeholders.
    `transfers_in` are the currencies in which it gives payers an account of their own to transfer money to.
    """

    system: str
    title: str
    role: Role
    reads: tuple[Kind, ...]
    writes: tuple[type[Intent], ...]
    limits: tuple[Limit, ...]
    oauth: OAuthShape
    open: Callable[[Access], Connector]
    accounts: Callable[[Endpoint, Mapping[str, object], Mapping[str, str], Callable[[Account], Access]], list[Account]]
    verify: Callable[[str, Mapping[str, str], bytes, datetime], bool]
    notices: Callable[[bytes], list[Notice]]
    fetch_batch: int = 40  # ids that one `fetch` call reads at once
    one_payer: bool = False  # a payment pays invoices of one customer and of its children, no other's
    draft_is_invoice: bool = True  # what DraftInvoice makes; False: an estimate of which a person makes an invoice
    leave: Callable[[Endpoint, str, Account], None] | None = None
    knock_key: Callable[[str, str], str] | None = None
    pay_button: Callable[[str], str] | None = None
    invoice_page: Callable[[Account, str], str] | None = None
    transfers_in: frozenset[str] = frozenset()
    concurrent: int | None = None  # calls that an account takes at once; None: any number
    sign_in: SignIn | None = None  # None: nobody signs in there
    # What a write takes beside what every consent has: one that was given before we asked for it lacks it.
    scope_of: Mapping[type[Intent], str] = field(default_factory=dict)
