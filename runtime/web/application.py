"""The web application: every route, and what a refusal looks like."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from prometheus_client import CollectorRegistry, Counter
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from connectors.errors import ConnectorError
from reminders.wording import FALLBACK_LANGUAGE
from runtime.app import App
from runtime.operations.errors import InputError, RefusedError, SaidError
from runtime.operations.inbox.intake import Intake
from runtime.portal_links import ExpiredLinkError
from runtime.settings import SettingsError
from runtime.signed_tokens import LinkError
from runtime.web import (
    approvals,
    autopay,
    bank_feeds,
    bank_files,
    brand,
    calls,
    channels,
    charges,
    choosing,
    connecting,
    customer_list,
    customers,
    discounts,
    dispute_files,
    exports,
    history,
    holding,
    mail,
    messages,
    monitor,
    organisations,
    pay_button,
    people,
    plans,
    policies,
    portal,
    portal_autopay,
    portal_formats,
    portal_new_link,
    portal_paid,
    portal_plan,
    problems,
    replies,
    salesforce_app,
    setup,
    signing_in,
    staff,
    stripe_app,
    sync,
    vendors,
    work,
)
from runtime.web.access import SignInNeededError, require_declarations
from runtime.web.guards import Application, Guards
from runtime.web.languages import Language, choose, language
from runtime.web.pages import go, page
from runtime.web.running import run
from runtime.web.webhooks import WebhookLane

_MODULES = (
    *(monitor, vendors),
    *(signing_in, organisations, staff, dispute_files, problems, connecting, work, choosing, bank_files, sync, setup),
    *(bank_feeds, calls, customer_list, customers, holding, channels, charges, discounts, approvals, plans, autopay),
    *(policies, messages, replies, mail, people, history, exports, stripe_app, salesforce_app, brand),
    *(portal, portal_formats, portal_paid, portal_plan, portal_autopay, portal_new_link, pay_button),
)
_MISSING = "There is no such page, or nothing of that kind here."
_Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_web(app: App, intake: Intake | None = None) -> Application:
    """Make the web application around the running product; `intake` keeps webhooks, by group commit unless given."""
    intake = intake or Intake(app)
    registry = CollectorRegistry()
    webhooks = Counter("truedue_webhooks", "Webhooks answered", ["system", "outcome"], registry=registry)
    web = web_of(app, registry=registry, lifespan=_closing(intake))
    guarded = Guards(web, public_url=app.settings.public_url)
    return WebhookLane(guarded, app=app, intake=intake, counted=webhooks)


def web_of(app: App, *, registry: CollectorRegistry | None = None, lifespan: _Lifespan | None = None) -> FastAPI:
    """Make the routes behind the guards; UndeclaredRouteError when one of them says not who may use it."""
    web = FastAPI(title="TrueDue", version="0.1.0", openapi_url=None, lifespan=lifespan)
    run(web, app)
    monitor.measure(web, app, registry or CollectorRegistry())
    for module in _MODULES:
        # As they stand: including a router works out every parameter of every route once more, 0.2 s at each start.
        web.router.routes.extend(module.ROUTES.routes)
    web.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    require_declarations(web)
    for error, status in _STATUS.items():
        web.add_exception_handler(error, _said(status))
    web.add_exception_handler(LinkError, _link_is_bad)
    web.add_exception_handler(SignInNeededError, _sign_in)
    web.add_exception_handler(RequestValidationError, _invalid)
    web.add_exception_handler(HTTPException, _http_error)
    return web


def _closing(intake: Intake) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return a lifespan at whose end `intake` lets go of the database."""

    @asynccontextmanager
    async def lifespan(_web: FastAPI) -> AsyncIterator[None]:
        yield
        await intake.close()

    return lifespan


# A refusal is one clear line, and nothing was changed.
_STATUS: dict[type[Exception], int] = {InputError: 400, SettingsError: 400, ConnectorError: 400, RefusedError: 409}


async def _sign_in(request: Request, error: Exception) -> Response:
    """Lead a person to where they sign in, and back; what was sent without a session is refused."""
    del error
    if request.method not in ("GET", "HEAD"):
        return _refuse(request, 401, SaidError("You are not signed in, or not any more. Sign in and do it again."))
    query = f"?{request.url.query}" if request.url.query else ""
    return go(f"/sign-in?back={quote(request.url.path + query)}")


async def _link_is_bad(request: Request, error: Exception) -> Response:
    if isinstance(error, ExpiredLinkError) and request.method in ("GET", "HEAD"):
        return go(f"/new-link/{request.path_params['token']}")
    return page("portal_link.html", status=404, spoken=_spoken(request))


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    return _refuse(request, 400, SaidError(f"{first['loc'][-1]}: {first['msg']}"))


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return _refuse(request, error.status_code, SaidError(_MISSING if error.status_code == 404 else str(error.detail)))


def _said(status: int) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Return a handler that answers with the error's own line."""

    async def handler(request: Request, error: Exception) -> Response:
        return _refuse(request, status, error if isinstance(error, SaidError) else SaidError(str(error)))

    return handler


def _refuse(request: Request, status: int, error: SaidError) -> Response:
    if request.url.path.startswith("/webhooks/"):
        return Response(status_code=status)
    payer = request.url.path.startswith(("/p/", "/pay/", "/new-link/"))
    spoken = _spoken(request) if payer else language(FALLBACK_LANGUAGE)
    missing = status == 404
    return page(
        "refused.html", status=status, spoken=spoken, line=error.said(spoken.gettext), payer=payer, missing=missing
    )


def _spoken(request: Request) -> Language:
    """Return the payer's language where their link told it, else their browser's."""
    known = getattr(request.state, "language", None)
    asked = choose(chosen=None, accepted=request.headers.get("accept-language", ""), fallback=FALLBACK_LANGUAGE)
    return known if isinstance(known, Language) else language(asked)
