"""All stand-ins together, served on loopback, with the environment that points a product at them."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from datetime import datetime
from types import TracebackType

from sandbox.quickbooks import QuickBooksStandIn
from sandbox.salesforce import SalesforceStandIn
from sandbox.server import Served, serve
from sandbox.standin import StandIn
from sandbox.stripe import StripeStandIn
from sandbox.xero import XeroStandIn

_KEY_BYTES = 32
VENDOR_PORTS = 4


class Estate:
    """The four vendors on neighbouring ports (port 0: free ones). Client secrets are drawn at start.

    `begin_webhooks` subscribes a product that listens; until then nothing is delivered. Without `couriers` webhooks
    stay in each stand-in's `courier.pending`, for a simulation that delivers them itself. With `reach` nothing is
    served: it makes each stand-in reachable in its own way and returns the address.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime],
        port: int = 0,
        couriers: bool = True,
        reach: Callable[[StandIn], str] | None = None,
    ) -> None:
        self._secrets = {
            name: secrets.token_urlsafe(24)
            for system in ("xero", "quickbooks", "salesforce", "stripe")
            for name in (f"{system}_id", f"{system}_secret", f"{system}_webhook")
        }
        keep = self._secrets
        self.xero = XeroStandIn(
            clock=clock,
            client_id=keep["xero_id"],
            client_secret=keep["xero_secret"],
            webhook_key=keep["xero_webhook"],
        )
        self.quickbooks = QuickBooksStandIn(
            clock=clock,
            client_id=keep["quickbooks_id"],
            client_secret=keep["quickbooks_secret"],
            verifier_token=keep["quickbooks_webhook"],
        )
        self.salesforce = SalesforceStandIn(
            clock=clock, client_id=keep["salesforce_id"], client_secret=keep["salesforce_secret"]
        )
        self.stripe = StripeStandIn(
            clock=clock,
            client_id=keep["stripe_id"],
            client_secret=keep["stripe_secret"],
            webhook_secret=keep["stripe_webhook"],
        )
        self.standins: tuple[StandIn, ...] = (self.xero, self.quickbooks, self.salesforce, self.stripe)
        self._served: list[Served] = []
        self._urls: dict[str, str] = {}
        self._port = port
        self._couriers = couriers
        self._reach = reach or self._serve

    def __enter__(self) -> Estate:
        for standin in self.standins:
            self._urls[standin.name] = self._reach(standin)
            if self._couriers:
                standin.courier.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for standin in self.standins:
            standin.courier.stop()
        for served in self._served:
            served.stop()

    def _serve(self, standin: StandIn) -> str:
        served = serve(standin, port=self._port + len(self._served) if self._port else 0)
        self._served.append(served)
        return served.url

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point the product at these stand-ins, a fresh encryption key among them."""
        urls = self._urls
        environment = {
            "TRUEDUE_XERO_API_URL": urls["xero"],
            "TRUEDUE_XERO_IDENTITY_URL": urls["xero"],
            "TRUEDUE_QUICKBOOKS_API_URL": urls["quickbooks"],
            "TRUEDUE_QUICKBOOKS_IDENTITY_URL": urls["quickbooks"],
            "TRUEDUE_SALESFORCE_URL": urls["salesforce"],
            "TRUEDUE_STRIPE_API_URL": urls["stripe"],
            "TRUEDUE_KEY": base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode(),
        }
        for standin in self.standins:
            prefix = f"TRUEDUE_{standin.name.upper()}"
            environment[f"{prefix}_CLIENT_ID"] = self._secrets[f"{standin.name}_id"]
            environment[f"{prefix}_CLIENT_SECRET"] = self._secrets[f"{standin.name}_secret"]
            environment[f"{prefix}_WEBHOOK_SECRET"] = self._secrets[f"{standin.name}_webhook"]
        return environment

    def begin_webhooks(self, public_url: str) -> None:
        """Subscribe the product at `public_url` to every vendor that sends webhooks."""
        self.xero.subscribe(f"{public_url}/webhooks/xero", check_intent=self._couriers)
        self.quickbooks.subscribe(f"{public_url}/webhooks/quickbooks")
        self.stripe.subscribe(f"{public_url}/webhooks/stripe")

    def idle(self) -> bool:
        """Whether every webhook was delivered or given up."""
        return all(standin.courier.idle() for standin in self.standins)

    def calls(self) -> dict[str, int]:
        """How many calls each vendor answered."""
        return {standin.name: standin.calls.total() for standin in self.standins}

    def avoidable_429(self) -> int:
        """How many refusals a client that keeps the published limits would not have met."""
        return sum(standin.avoidable_429 for standin in self.standins)
