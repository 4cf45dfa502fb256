"""Reading an account: single objects and lists with cursors and filters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any

from werkzeug.wrappers import Request, Response

from sandbox.standin import json_response, route
from sandbox.stripe.account import StripeAccount
from sandbox.stripe.forms import Parameters, expanded, in_range, nested, page
from sandbox.stripe.identity import Identity
from sandbox.stripe.objects import Object
from sandbox.stripe.refusal import Refused

EVENTS_KEPT = timedelta(days=30)
PAGING = {"limit", "starting_after", "ending_before", "expand"}
Filter = Callable[[StripeAccount, Object, Any], bool]


def _equal(name: str) -> Filter:
    return lambda _account, row, wanted: bool(row[name] == wanted)


def _within(name: str) -> Filter:
    return lambda _account, row, wanted: in_range(row[name], wanted, name)


def _filters(*names: str, **special: Filter) -> dict[str, Filter]:
    return {"created": _within("created"), **{name: _equal(name) for name in names}, **special}


@dataclass(frozen=True)
class Resource:
    """A list of the API: where its objects are kept, what one is called, and what it can be filtered by."""

    store: str
    kind: str
    filters: dict[str, Filter] = field(default_factory=dict)


RESOURCES = {
    "payment_intents": Resource("payment_intents", "payment_intent", _filters("customer")),
    "charges": Resource("charges", "charge", _filters("customer", "payment_intent", "transfer_group")),
    "refunds": Resource("refunds", "refund", _filters("charge", "payment_intent")),
    "disputes": Resource("disputes", "dispute", _filters("charge", "payment_intent")),
    "balance_transactions": Resource(
        "balance_transactions",
        "balance_transaction",
        _filters(
            "currency",
            "source",
            "type",
            payout=lambda account, row, wanted: account.payout_of.get(row["id"]) == wanted,
        ),
    ),
    "payouts": Resource("payouts", "payout", _filters("destination", "status", arrival_date=_within("arrival_date"))),
    "customers": Resource("customers", "customer", _filters("email")),
    "setup_intents": Resource("setup_intents", "setup_intent", _filters("customer", "payment_method")),
    "payment_methods": Resource("payment_methods", "payment_method", _filters("customer", "type")),
    "checkout/sessions": Resource(
        "checkout_sessions", "checkout.session", _filters("customer", "payment_intent", "status")
    ),
    "events": Resource(
        "events",
        "event",
        _filters(
            type=lambda _account, row, wanted: fnmatchcase(row["type"], wanted),
            types=lambda _account, row, wanted: row["type"] in wanted,
        ),
    ),
}
_PLAIN = ",".join(name for name in RESOURCES if "/" not in name)


class Reads(Identity):
    """The GET side."""

    @route("GET", "/v1/account")
    def own_account(self, request: Request) -> Response:
        """Return the account of the key."""
        return json_response(self.account_of(request).account)

    @route("GET", "/v1/accounts/<id>")
    def an_account(self, request: Request, id: str) -> Response:
        """Return an account by id: the key's own."""
        account = self.account_of(request)
        if account.account_id != id:
            raise Refused(
                f"The provided key does not have access to account '{id}'.", status=403, code="account_invalid"
            )
        return json_response(account.account)

    @route("GET", "/v1/checkout/sessions")
    def list_sessions(self, request: Request) -> Response:
        """List checkout sessions."""
        return self.list_objects(request, "checkout/sessions")

    @route("GET", "/v1/checkout/sessions/<id>")
    def one_session(self, request: Request, id: str) -> Response:
        """Return one checkout session."""
        return self.one_object(request, "checkout/sessions", id)

    @route("GET", "/v1/customers/<id>/cash_balance")
    def cash(self, request: Request, id: str) -> Response:
        """Return what is kept for a customer."""
        account = self.account_of(request)
        account.known(account.customers, "customer", id)
        return json_response(account.cash_balance(id))

    @route("GET", "/v1/customers/<id>/cash_balance_transactions")
    def cash_movements(self, request: Request, id: str) -> Response:
        """List the movements of a customer's cash, newest first."""
        account, given = self.account_of(request), parameters(request)
        account.known(account.customers, "customer", id)
        rows = [row for row in account.cash_movements.values() if row["customer"] == id]
        url = f"/v1/customers/{id}/cash_balance_transactions"
        answer = page(rows, given, kind="customer_cash_balance_transaction", url=url)
        return json_response(expanded(account, answer, given))

    @route("GET", "/v1/financial_connections/accounts/<id>")
    def bank_account(self, request: Request, id: str) -> Response:
        """Return a linked bank account."""
        account = self.account_of(request)
        account.finish_readings()
        return json_response(account.known(account.bank_accounts, "financial_connections.account", id))

    @route("GET", "/v1/financial_connections/transactions")
    def bank_lines(self, request: Request) -> Response:
        """List the lines of a linked bank account, newest first."""
        account, given = self.account_of(request), parameters(request)
        account.finish_readings()
        after = given.get("transaction_refresh", {}).get("after")
        rows = account.lines_of(given.get("account", ""), after=after)
        url = "/v1/financial_connections/transactions"
        return json_response(page(rows, given, kind="financial_connections.transaction", url=url))

    @route("GET", f"/v1/<any({_PLAIN}):resource>")
    def list_objects(self, request: Request, resource: str) -> Response:
        """List the objects of a kind, newest first."""
        account, given = self.account_of(request), parameters(request)
        described = RESOURCES[resource]
        account.settle_balance()
        for name in given:
            if name not in PAGING and name not in described.filters:
                raise Refused(f"Received unknown parameter: {name}", param=name, code="parameter_unknown")
        rows = list(getattr(account, described.store).values())
        if resource == "events":
            oldest = account.now() - EVENTS_KEPT.total_seconds()
            rows = [row for row in rows if row["created"] >= oldest]
        for name, test in described.filters.items():
            if name in given:
                rows = [row for row in rows if test(account, row, given[name])]
        answer = page(rows, given, kind=described.kind, url=f"/v1/{resource}")
        return json_response(expanded(account, answer, given))

    @route("GET", f"/v1/<any({_PLAIN}):resource>/<id>")
    def one_object(self, request: Request, resource: str, id: str) -> Response:
        """Return one object."""
        account, described = self.account_of(request), RESOURCES[resource]
        account.settle_balance()
        found = account.known(getattr(account, described.store), described.kind, id)
        return json_response(expanded(account, found, parameters(request)))


def parameters(request: Request) -> Parameters:
    """Return the request's parameters, from the form of a POST or the query of a GET."""
    given = request.form if request.method == "POST" else request.args
    return nested(given.items(multi=True))
