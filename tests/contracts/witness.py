"""Stands beside the stand-ins and holds what passes against the vendors' contracts, call by call and post by post."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import pytest
import yaml
from werkzeug.wrappers import Request, Response

from sandbox.standin import StandIn
from sandbox.webhooks import Courier, Delivery
from tests.contracts import deviations, events
from tests.contracts.findings import Exchange, Finding
from tests.contracts.intuit import IntuitContract
from tests.contracts.openapi import Contract

XERO_API = "/api.xro/2.0"


class Contracted(Protocol):
    """A contract that an exchange can be held against."""

    def findings(self, exchange: Exchange) -> list[Finding]:
        """Say where the exchange differs."""


@dataclass(frozen=True, slots=True)
class Contracts:
    """All contracts, read once a session."""

    xero: Contract
    xero_identity: Contract
    xero_webhooks: Contract
    stripe: Contract
    quickbooks: IntuitContract

    def of(self, system: str, path: str) -> Contracted | None:
        """The contract for a path of a system; None where the vendor publishes none."""
        if system == "xero":
            return self.xero if path.startswith(XERO_API) else self.xero_identity if "/connections" in path else None
        if system == "stripe":
            return self.stripe if path.startswith(("/v1/", "/v2/")) else None
        return self.quickbooks if system == "quickbooks" and path.startswith("/v3/") else None


@cache
def contracts(specs: Path) -> Contracts:
    """Read the contracts in the folder `specs`."""
    xero = {
        name: _yaml(specs / "xero" / f"{name}.yaml") for name in ("xero_accounting", "xero-identity", "xero-webhooks")
    }
    return Contracts(
        xero=Contract("xero", xero["xero_accounting"], prefix=XERO_API),
        xero_identity=Contract("xero-identity", xero["xero-identity"], any_case=True),
        xero_webhooks=Contract("xero-webhooks", xero["xero-webhooks"]),
        stripe=Contract("stripe", json.loads((specs / "stripe" / "spec3.json").read_text())),
        quickbooks=IntuitContract(specs / "intuit" / "IntuitRestServiceDef.xsd"),
    )


@dataclass
class Witness:
    """What was seen: `findings` that nothing excuses, rows of the table that were `used`, and the calls `seen`."""

    contracts: Contracts
    findings: list[Finding] = field(default_factory=list)
    used: Counter[deviations.Deviation] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    scopes: dict[str, set[str]] = field(default_factory=dict)  # by call of Xero's: any one of these is wanted
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def call(self, standin: StandIn, request: Request, response: Response) -> None:
        """Judge one call to a stand-in."""
        if standin.name not in ("xero", "quickbooks", "stripe"):
            return  # Salesforce publishes no contract file
        exchange = exchange_of(request, response)
        self.seen[f"{standin.name} {exchange.method}"] += 1
        if standin.name == "xero" and (wanted := self.contracts.xero.scopes(exchange)):
            self.scopes[f"{exchange.method} {exchange.path.removeprefix(XERO_API)}"] = wanted
        try:
            self._keep(self._judged(standin.name, exchange))
        except Exception as error:  # what cannot be judged is a finding: an exception here would only end the answer
            where = f"{exchange.method} {exchange.path}"
            self._keep([Finding(standin.name, where, "", "unjudged", repr(error))])

    def _judged(self, system: str, exchange: Exchange) -> list[Finding]:
        contract = self.contracts.of(system, exchange.path)
        if contract is None:
            where = f"{exchange.method} {exchange.path}"
            return [Finding(system, where, "", "path", "no contract has this path")]
        found = contract.findings(exchange)
        return found + (events.listed(self.contracts.stripe, exchange) if system == "stripe" else [])

    def delivery(self, delivery: Delivery) -> None:
        """Judge one webhook that a stand-in sends."""
        headers = {name.lower() for name in delivery.headers}
        body = json.loads(delivery.body)
        if "x-xero-signature" in headers:
            self._keep(events.xero(self.contracts.xero_webhooks, body))
        elif "stripe-signature" in headers:
            self._keep(events.stripe(self.contracts.stripe, body, "webhook"))
        elif "intuit-signature" in headers:
            self._keep(events.cloud(body))
        else:
            self._keep([Finding("webhook", delivery.url, "", "signature", f"none known among {sorted(headers)}")])
        self.seen["webhook"] += 1

    def report(self) -> str:
        """The findings, each kind once."""
        return "\n".join(sorted({str(finding) for finding in self.findings}))

    def _keep(self, found: list[Finding]) -> None:
        with self._lock:
            for finding in found:
                row = deviations.excuse(finding)
                if row is None:
                    self.findings.append(finding)
                else:
                    self.used[row] += 1


@contextmanager
def watching(specs: Path) -> Iterator[Witness]:
    """Have every stand-in of this process watched, however it is made."""
    witness = Witness(contracts(specs))
    send = Courier.send

    def sent(courier: Courier, **post: Any) -> Delivery:  # noqa: ANN401 - whatever a stand-in sends
        delivery = send(courier, **post)
        witness.delivery(delivery)
        return delivery

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StandIn, "witness", witness.call)
        patch.setattr(Courier, "send", sent)
        yield witness


def exchange_of(request: Request, response: Response) -> Exchange:
    """The call as bytes."""
    return Exchange(
        method=request.method,
        path=request.path,
        query=tuple(request.args.items(multi=True)),
        headers=_lowered(request.headers),
        body=request.get_data(cache=True),
        status=response.status_code,
        answer_headers=_lowered(response.headers),
        answer=response.get_data(),
    )


def _lowered(headers: Any) -> Mapping[str, str]:  # noqa: ANN401 - werkzeug has two types of headers
    return {name.lower(): value for name, value in headers.items()}


def _yaml(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    return document
