"""The payer's own pages: the link is the authority, and it reaches one customer only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, File, Form, HTTPException, Request, UploadFile
from starlette.responses import RedirectResponse, Response

from reminders.evidence import Channel
from reminders.payment_plan import PlanState
from reminders.wording import LANGUAGES
from runtime.app import App
from runtime.operations.discounts.offers import offer_on_page
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.payers.brand import Brand, brand
from runtime.operations.payers.contact_wish import CHANNELS, wish_contact
from runtime.operations.payers.dispute import MAX_REASON_CHARS, dispute
from runtime.operations.payers.dispute_files import MAX_FILES, SentFile
from runtime.operations.payers.end_links import are_ended
from runtime.operations.payers.pay_by_card import MAX_INVOICES, pay_by_card
from runtime.operations.payers.print_invoice import print_invoice
from runtime.operations.payers.print_statement import print_statement
from runtime.operations.payers.promise import MAX_DAYS_AHEAD, promise
from runtime.operations.payers.question import MAX_QUESTION_CHARS, ask
from runtime.operations.plans.payment_plans import offers, plans_of
from runtime.operations.reaching.contact_language import choose_language, language_of
from runtime.operations.reaching.opt_out import opt_out
from runtime.operations.reaching.opt_outs import EVERY
from runtime.operations.systems.online_invoice import online_invoice
from runtime.operations.views.portal import PortalAccount, PortalInvoice, portal
from runtime.operations.views.portal_questions import portal_questions
from runtime.signed_tokens import LinkError
from runtime.store import connections
from runtime.store.connections import Organisation
from runtime.web.access import PAYER, routes
from runtime.web.days import day_of
from runtime.web.exports import download
from runtime.web.languages import Language, choose, language
from runtime.web.numbers import AmountText
from runtime.web.pages import go, page
from runtime.web.running import Running

ACTOR = "customer"
MAX_CHOSEN = 1_000  # invoices that a form can name; how many can be paid together is said in words
MAX_CONTACT_CHARS = 320  # the longest address of e-mail
OPEN_COLUMNS = ("invoice", "issued", "due", "currency", "total", "open")
_NOTHING: list[str] = []
_NO_FILES: list[UploadFile] = []


_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")  # in the name of a file, on any system
MAX_FILE_NAME_CHARS = 80

ROUTES = routes("portal", prefix="/p/{token}", dependencies=[PAYER])


class Means(StrEnum):
    """By what a payer wants to pay."""

    CARD = "card"
    TRANSFER = "transfer"


def account_of(app: App, token: str) -> tuple[Organisation, PortalAccount, Brand]:
    """Return whose page a link opens, and how it looks; LinkError when it opens none."""
    links = app.portal_links()
    opened = links.read(token)
    with app.store.read() as db:
        organisation = connections.organisation(db, opened.organisation_id)
        if organisation is None or are_ended(db, opened):
            raise LinkError
        account = portal(db, organisation, opened.customer_id, now=app.clock())
        looks = brand(db, organisation.id)
    if account is None:
        raise LinkError
    return organisation, account, looks


@dataclass(frozen=True, slots=True)
class Visit:
    """A payer on their page: whose link they came with, and in which language they read."""

    token: str
    organisation: Organisation
    account: PortalAccount
    language: Language
    brand: Brand

    def page(self, template: str, *, notice: str = "", status: int = 200, **facts: object) -> Response:
        """Render one of the payer's pages."""
        return page(
            template,
            status=status,
            notice=notice,
            spoken=self.language,
            organisation=self.organisation,
            view=self.account,
            token=self.token,
            brand=self.brand,
            languages=[language(code) for code in LANGUAGES],
            **facts,
        )

    def invoice(self, document_id: str) -> PortalInvoice:
        """Return an open invoice of the payer; any other is not found."""
        invoice = self.account.invoice(document_id)
        if invoice is None:
            raise HTTPException(404)
        return invoice


def visit(request: Request, app: Running, token: str) -> Visit:
    """Return who comes with this link; a refusal later on is said in their language too."""
    organisation, account, looks = account_of(app, token)
    spoken = language(
        choose(
            chosen=account.language,
            accepted=request.headers.get("accept-language", ""),
            fallback=language_of(account.country),
        )
    )
    request.state.language = spoken
    return Visit(token, organisation, account, spoken, looks)


Visiting = Annotated[Visit, Depends(visit)]


@ROUTES.get("")
def show_account(app: Running, visiting: Visiting, notice: str = "") -> Response:
    """Show the balance, the open invoices, what is paid in instalments, what was asked, and the payments."""
    organisation, account, now = visiting.organisation, visiting.account, app.clock()
    with app.store.read() as db:
        plans = plans_of(db, organisation, now=now, customer_id=account.customer_id)
        questions = portal_questions(db, organisation, account.customer_id)
        may_plan = bool(organisation.payers_instalments) and bool(
            offers(db, organisation, account.customer_id, now=now, by_payer=True)
        )
    running = [plan for plan in plans if plan.state is PlanState.RUNNING]
    early = offer_on_page(
        app, organisation.id, [each.document_id for each in account.invoices if not each.partly_on_its_way]
    )
    return visiting.page(
        "portal.html",
        notice=notice,
        plans=running,
        may_plan=may_plan,
        early=early,
        questions=questions,
        most_at_once=MAX_INVOICES,
    )


@ROUTES.get("/pay/{document_id}")
def show_invoice(app: Running, visiting: Visiting, document_id: str) -> Response:
    """Show how to pay one invoice, and what else can be said about it."""
    return _invoice(app, visiting, document_id)


def _invoice(app: App, visiting: Visit, document_id: str, *, wrong: str = "", reason: str = "") -> Response:
    """Show an invoice; `wrong` says why its dispute was not taken, whose `reason` stays in the form."""
    today = app.clock().astimezone(visiting.organisation.zone).date()
    invoice = visiting.invoice(document_id)
    may_be_less = [] if invoice.partly_on_its_way else [document_id]  # a discount is for paying the whole
    return visiting.page(
        "portal_pay.html",
        status=400 if wrong else 200,
        wrong=wrong,
        reason=reason,
        invoice=invoice,
        offered=offer_on_page(app, visiting.organisation.id, may_be_less).get(document_id),
        credit=visiting.account.credit(invoice.open_amount.currency),
        first=today,
        last=today + timedelta(days=MAX_DAYS_AHEAD),
        longest=MAX_REASON_CHARS,
        most_files=MAX_FILES,
        longest_question=MAX_QUESTION_CHARS,
    )


@ROUTES.get("/invoices/{document_id}.pdf")
def give_pdf(app: Running, visiting: Visiting, document_id: str) -> Response:
    """Give an invoice of the payer as the ledger prints it, to be kept as a file."""
    number, pdf = print_invoice(
        app,
        organisation_id=visiting.organisation.id,
        customer_id=visiting.account.customer_id,
        document_id=document_id,
    )
    headers = {"Content-Disposition": f'attachment; filename="{file_name(number)}.pdf"'}
    return Response(pdf, media_type="application/pdf", headers=headers)


@ROUTES.get("/invoices/{document_id}/online", status_code=303)
def lead_online(app: Running, visiting: Visiting, document_id: str) -> Response:
    """Lead to an invoice of the payer in the ledger's own look, where it may be paid too."""
    address = online_invoice(
        app,
        organisation_id=visiting.organisation.id,
        customer_id=visiting.account.customer_id,
        document_id=document_id,
    )
    return RedirectResponse(address, 303)


@ROUTES.get("/statement.pdf")
def give_statement(app: Running, visiting: Visiting) -> Response:
    """Give what is open and what was paid as one paper."""
    pdf = print_statement(
        visiting.organisation, visiting.account, language=visiting.language.locale.replace("_", "-"), now=app.clock()
    )
    headers = {"Content-Disposition": 'attachment; filename="statement.pdf"'}
    return Response(pdf, media_type="application/pdf", headers=headers)


@ROUTES.get("/statement.csv")
def give_lines(visiting: Visiting) -> Response:
    """Give what is open as a table, for whoever books it."""
    rows = (
        (
            each.number,
            each.issued_on.isoformat(),
            each.due_on.isoformat(),
            each.total.currency,
            each.total.text(),
            each.open_amount.text(),
        )
        for each in visiting.account.invoices
    )
    return download("open-invoices.csv", OPEN_COLUMNS, rows)


@ROUTES.get("/contact")
def show_contact(visiting: Visiting) -> Response:
    """Ask how the payer wants to be reached."""
    return visiting.page("portal_contact.html", channels=CHANNELS)


@ROUTES.post("/contact", status_code=303)
def take_contact(
    app: Running,
    visiting: Visiting,
    *,
    name: Annotated[str, Form(max_length=MAX_CONTACT_CHARS)] = "",
    email: Annotated[str, Form(max_length=MAX_CONTACT_CHARS)] = "",
    telephone: Annotated[str, Form(max_length=MAX_CONTACT_CHARS)] = "",
    channel: Annotated[str, Form(max_length=MAX_CONTACT_CHARS)] = "",
) -> Response:
    """Pass on to a person how the payer wants to be reached."""
    wish_contact(
        app,
        organisation_id=visiting.organisation.id,
        customer_id=visiting.account.customer_id,
        name=name,
        email=email,
        telephone=telephone,
        channel=channel,
        actor=ACTOR,
    )
    return go(f"/p/{visiting.token}", "contact_wished")


@ROUTES.post("/language", status_code=303)
def take_language(
    app: Running, visiting: Visiting, chosen: Annotated[str, Form(alias="language", max_length=8)]
) -> Response:
    """Write to the payer in the language that they choose, here and in messages."""
    choose_language(
        app,
        organisation_id=visiting.organisation.id,
        customer_id=visiting.account.customer_id,
        language=chosen,
        actor=ACTOR,
    )
    return go(f"/p/{visiting.token}")


@ROUTES.post("/checkout")
def take_checkout(
    app: Running,
    visiting: Visiting,
    invoice: Annotated[list[str], Form(max_length=MAX_CHOSEN)] = _NOTHING,
    part: AmountText = "",
    means: Annotated[Means, Form()] = Means.CARD,
) -> Response:
    """Lead the payer to a page on which they pay what they chose, or learn where to transfer it to."""
    address = pay_by_card(
        app,
        organisation_id=visiting.organisation.id,
        customer_id=visiting.account.customer_id,
        document_ids=invoice,
        part=part,
        back_to=f"{app.settings.public_url.rstrip('/')}/p/{visiting.token}",
        by_transfer=means is Means.TRANSFER,
    )
    return visiting.page("portal_checkout.html", address=address)


@ROUTES.post("/promise/{document_id}", status_code=303)
def take_promise(
    app: Running,
    visiting: Visiting,
    document_id: str,
    promised_on: Annotated[str, Form(max_length=10)],
    part: AmountText = "",
) -> Response:
    """Note the day on which the payer will pay, and how much, where that is less than all."""
    visiting.invoice(document_id)
    day = day_of(promised_on)
    promise(
        app,
        organisation_id=visiting.organisation.id,
        customer_id=visiting.account.customer_id,
        document_id=document_id,
        promised_on=day,
        part=part,
        actor=ACTOR,
    )
    return go(f"/p/{visiting.token}", "promised")


@ROUTES.post("/dispute/{document_id}", status_code=303)
def take_dispute(
    app: Running,
    visiting: Visiting,
    document_id: str,
    reason: Annotated[str, Form()],
    files: Annotated[list[UploadFile], File()] = _NO_FILES,
) -> Response:
    """Note what is wrong with an invoice, with the files that show it."""
    visiting.invoice(document_id)
    try:
        dispute(
            app,
            [SentFile(each.filename or "", each.file.read()) for each in files if each.filename or each.size],
            organisation_id=visiting.organisation.id,
            customer_id=visiting.account.customer_id,
            document_id=document_id,
            reason=reason,
            actor=ACTOR,
        )
    except InputError as error:
        wrong = error.said(visiting.language.gettext)
        return _invoice(app, visiting, document_id, wrong=wrong, reason=reason)
    return go(f"/p/{visiting.token}", "disputed")


@ROUTES.post("/ask/{document_id}", status_code=303)
def take_question(app: Running, visiting: Visiting, document_id: str, question: Annotated[str, Form()]) -> Response:
    """Pass a question about an invoice on to a person."""
    visiting.invoice(document_id)
    ask(
        app,
        organisation_id=visiting.organisation.id,
        customer_id=visiting.account.customer_id,
        document_id=document_id,
        question=question,
        actor=ACTOR,
    )
    return go(f"/p/{visiting.token}", "asked")


@ROUTES.post("/credit/{document_id}", status_code=303)
def take_credit(app: Running, visiting: Visiting, document_id: str) -> Response:
    """Pass on that the payer wants their credit set against an invoice: a person does it, and it holds until then."""
    invoice = visiting.invoice(document_id)
    left = invoice.still_open or invoice.open_amount
    credit = visiting.account.credit(left.currency)
    if not credit:
        raise RefusedError("there is no credit in the currency of this invoice")
    ask(
        app,
        organisation_id=visiting.organisation.id,
        customer_id=visiting.account.customer_id,
        document_id=document_id,
        question=f"Please set our credit of {min(credit, left)} against invoice {invoice.number}.",
        actor=ACTOR,
    )
    return go(f"/p/{visiting.token}", "credit_asked")


@ROUTES.get("/unsubscribe")
def ask_unsubscribe(visiting: Visiting) -> Response:
    """Ask before messages are stopped: mail scanners open every link of a message."""
    return visiting.page("portal_unsubscribe.html")


@ROUTES.post("/unsubscribe")
def unsubscribe(
    request: Request,
    app: Running,
    visiting: Visiting,
    *,
    stop: Annotated[str, Form(max_length=16)] = Channel.EMAIL.value,
    one_click: Annotated[str, Form(alias="List-Unsubscribe", max_length=16)] = "",
) -> Response:
    """Stop e-mails, for a person or for a mail program's one click (RFC 8058, which forbids a redirect).

    Who presses once more, or asks for it first, gets no message by any other way either.
    """
    opt_out(
        app,
        organisation_id=visiting.organisation.id,
        customer_id=visiting.account.customer_id,
        channel=None if stop == EVERY else Channel.EMAIL,
        actor=ACTOR,
        words="by one click in their mail program" if one_click else "on their own page",
    )
    return visit(request, app, visiting.token).page("portal_unsubscribe.html")


def file_name(number: str) -> str:
    """Return what a file of an invoice is called on any system, without its ending."""
    return _UNSAFE.sub("-", number).strip("-.")[:MAX_FILE_NAME_CHARS] or "invoice"
