"""The pay-now button on Xero's invoices: a payment service of ours, made once, where no other is.

Source: developer.xero.com/documentation/api/accounting, paymentservices and brandingthemes. A service has no update
and no deletion there, and its name is unique in an organisation. Of several custom services on a branding theme only
the last one counts, so a theme that has somebody else's keeps it.
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.errors import Reject
from connectors.intents import Done, OfferPayment
from connectors.ledgers.xero.client import Json, XeroClient

MAX_THEMES = 50  # branding themes looked at: each takes a call or two; a person sees what is left
_CUSTOM = "CUSTOM"


def template(address: str) -> str:
    """Return the address of a pay page as Xero takes it: it fills in what an invoice has when it shows the button."""
    return f"{address}?invoiceNo=[INVOICENUMBER]&currency=[CURRENCY]&amount=[AMOUNTDUE]&shortCode=[SHORTCODE]"


class PayButton:
    """The payment service of one tenant."""

    def __init__(self, client: XeroClient) -> None:
        self._client = client

    def write(self, intent: OfferPayment) -> Done:
        """Make the service unless it is there, and put it on the themes that have no other one."""
        service = self._service(intent) or self._make(intent)
        put: list[str] = []
        left: list[str] = []
        for theme, name in self._themes():
            standing = self._custom_on(theme)
            if standing and service not in standing:
                left.append(name)
                continue
            if not standing:
                self._put_on(theme, service)
            put.append(theme)
        return Done((service, *put), left=tuple(left))

    def find(self, intent: OfferPayment) -> Done | None:
        """Look up whether the service stands on every theme that has no other one."""
        service = self._service(intent)
        if service is None:
            return None
        put: list[str] = []
        left: list[str] = []
        for theme, name in self._themes():
            standing = self._custom_on(theme)
            if not standing:
                return None
            (put if service in standing else left).append(theme if service in standing else name)
        return Done((service, *put), left=tuple(left))

    def _service(self, intent: OfferPayment) -> str | None:
        """The id of our service; Reject where its name leads elsewhere, which only a person can change."""
        answer = self._client.get(self._client.api.get_payment_services, urgent=True)
        for each in answer.get("PaymentServices") or []:
            if each.get("PaymentServiceUrl") == template(intent.address):
                return _identity(each)
            if each.get("PaymentServiceName") == intent.name:
                raise Reject(
                    f"Xero has a payment service {intent.name} that leads elsewhere",
                    code="payment_service",
                    remedy="Remove it in Xero under Settings, Online payments; then switch the button on again.",
                )
        return None

    def _make(self, intent: OfferPayment) -> str:
        service: Json = {"PaymentServiceName": intent.name, "PaymentServiceUrl": template(intent.address)}
        service["PayNowText"] = intent.words
        # Without a key: its name is unique, and Xero would replay a refusal after a person has made room.
        body: Json = {"PaymentServices": [service]}
        answer = self._client.put(self._client.api.create_payment_service, body, key=None)
        return _identity(answer["PaymentServices"][0])

    def _themes(self) -> Iterator[tuple[str, str]]:
        answer = self._client.get(self._client.api.get_branding_themes, urgent=True)
        for each in (answer.get("BrandingThemes") or [])[:MAX_THEMES]:
            yield str(each["BrandingThemeID"]), str(each.get("Name") or each["BrandingThemeID"])

    def _custom_on(self, theme: str) -> list[str]:
        """The ids of the services on a theme of which one alone is shown as the button."""
        operation = self._client.api.get_branding_theme_payment_services
        found = self._client.get(operation, theme, urgent=True).get("PaymentServices") or []
        return [_identity(each) for each in found if str(each.get("PaymentServiceType", "")).upper() == _CUSTOM]

    def _put_on(self, theme: str, service: str) -> None:
        body: Json = {"PaymentServices": [{"PaymentServiceID": service}]}
        self._client.put(self._client.api.create_branding_theme_payment_services, theme, body, key=None)


def _identity(service: Json) -> str:
    return str(service["PaymentServiceID"])
