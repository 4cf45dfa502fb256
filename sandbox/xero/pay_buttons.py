"""Payment services, and the branding themes whose invoices show them as a pay-now button."""

from __future__ import annotations

from decimal import Decimal

from werkzeug.wrappers import Request, Response

from sandbox.standin import route
from sandbox.xero.books import XeroBooks
from sandbox.xero.reading import API
from sandbox.xero.values import Commit, Record, Refused, respond
from sandbox.xero.writing import WritingRoutes

SCOPE = "paymentservices"
MAX_TEXT_CHARACTERS = 255


class PayButtonRoutes(WritingRoutes):
    """What only a consent with the scope `paymentservices` reaches."""

    @route("GET", f"{API}/PaymentServices")
    def payment_services(self, request: Request) -> Response:
        """The services of an organisation."""
        return respond(self.envelope(PaymentServices=list(self.books_of(request).payment_services.values())))

    @route("PUT", f"{API}/PaymentServices")
    def make_payment_services(self, request: Request) -> Response:
        """Add services; a name is taken once."""
        books = self.books_of(request)
        return self.write(request, "PaymentServices", lambda item, _: _plan(books, item))

    @route("GET", f"{API}/BrandingThemes")
    def branding_themes(self, request: Request) -> Response:
        """The themes, without what stands on them."""
        themes = self.books_of(request).branding_themes.values()
        hidden = ("Services", "UpdatedDateUTC")
        shown = [{name: value for name, value in each.items() if name not in hidden} for each in themes]
        return respond(self.envelope(BrandingThemes=shown))

    @route("GET", f"{API}/BrandingThemes/<theme_id>/PaymentServices")
    def services_of_theme(self, request: Request, theme_id: str) -> Response:
        """The services on a theme."""
        books = self.books_of(request)
        theme = books.branding_themes.get(theme_id)
        if theme is None:
            return self.missing()
        shown = [books.payment_services[each] for each in theme["Services"]]
        return respond(self.envelope(PaymentServices=shown))

    @route("POST", f"{API}/BrandingThemes/<theme_id>/PaymentServices")
    def put_on_theme(self, request: Request, theme_id: str) -> Response:
        """Put services on a theme."""
        books = self.books_of(request)
        theme = books.branding_themes.get(theme_id)
        if theme is None:
            return self.missing()

        def plan(item: Record, _pending: dict[str, Decimal]) -> Commit:
            service = books.payment_services.get(str(item.get("PaymentServiceID")))
            if service is None:
                raise Refused("The payment service could not be found")

            def commit() -> Record:
                if service["PaymentServiceID"] not in theme["Services"]:
                    theme["Services"].append(service["PaymentServiceID"])
                return service

            return commit

        return self.write(request, "PaymentServices", plan)


def _plan(books: XeroBooks, item: Record) -> Commit:
    name, url = str(item.get("PaymentServiceName") or ""), str(item.get("PaymentServiceUrl") or "")
    words = str(item.get("PayNowText") or "Pay by credit card")
    if not name or not url.startswith(("https://", "http://")):
        raise Refused("A payment service needs a name and a URL")
    if len(words) > MAX_TEXT_CHARACTERS:
        raise Refused(f"PayNowText must not exceed {MAX_TEXT_CHARACTERS} characters")
    if any(each["PaymentServiceName"] == name for each in books.payment_services.values()):
        raise Refused("The payment service name must be unique")
    return lambda: books.keep_payment_service(name=name, url=url, words=words)
