"""The page on which a person chooses the invoices that a receipt pays."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import Form, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from runtime.operations.matching.choose import MAX_CHOSEN, choose
from runtime.operations.views.choices import MAX_SEARCHED, PAGE_ROWS, choices
from runtime.store.tables import ID_LENGTH
from runtime.web.access import MATCH, Who, routes
from runtime.web.pages import go, page
from runtime.web.running import Running
from runtime.web.staff import organisation_or_404
from runtime.web.work import known

ROUTES = routes("choosing")
MAX_AMOUNT_CHARS = 20
_MOST = MAX_CHOSEN + PAGE_ROWS  # all that the page shows may be ticked at once
_Ids = Annotated[list[Annotated[str, Field(max_length=ID_LENGTH)]], Field(max_length=_MOST)]
_Texts = Annotated[list[Annotated[str, Field(max_length=MAX_AMOUNT_CHARS)]], Field(max_length=_MOST)]


class Act(StrEnum):
    """What a button asks for."""

    LOOK = "look"
    APPLY = "apply"


class Asked(BaseModel):
    """What the address of the page says: the invoices that are chosen, their amounts in the same order, the search."""

    pay: _Ids = []
    amount: _Texts = []
    q: str = Field("", max_length=100)
    notice: str = ""

    @property
    def amounts(self) -> dict[str, str]:
        """The amounts as they were written, by invoice; empty for as much as is left."""
        texts = [*self.amount, *[""] * len(self.pay)]
        return {each: text.strip() for each, text in zip(self.pay, texts, strict=False)}


class Sent(BaseModel):
    """What the form brings: what is ticked, and of the rows with an amount (`of`) it, and as it was shown (`seen`)."""

    pay: _Ids = []
    of: _Ids = []
    amount: _Texts = []
    seen: _Texts = []
    q: str = Field("", max_length=100)
    act: Act = Act.LOOK

    @property
    def amounts(self) -> dict[str, str]:
        """The amounts of what is ticked, as they were written."""
        written = dict(zip(self.of, self.amount, strict=False))
        return {each: written.get(each, "").strip() for each in self.pay}

    @property
    def is_as_shown(self) -> bool:
        """Whether just this was ticked and written when its effect was shown."""
        return self.amounts == dict(zip(self.of, self.seen, strict=False))


@ROUTES.get("/o/{organisation_id}/receipts/{receipt_id}/choose", dependencies=[MATCH])
def show_choices(app: Running, organisation_id: str, receipt_id: str, asked: Annotated[Asked, Query()]) -> Response:
    """Show what a receipt could pay, and what the choice so far would do."""
    known(app, organisation_id, receipt_id=receipt_id)
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        view = choices(db, organisation_id, receipt_id, amounts=asked.amounts, text=asked.q.strip())
    return page("choose.html", organisation=organisation, view=view, most=MAX_SEARCHED, q=asked.q, notice=asked.notice)


@ROUTES.post("/o/{organisation_id}/receipts/{receipt_id}/choose", dependencies=[MATCH], status_code=303)
def take_choice(
    app: Running, who: Who, organisation_id: str, receipt_id: str, sent: Annotated[Sent, Form()]
) -> Response:
    """Apply the choice whose effect was shown; show that of any other first."""
    known(app, organisation_id, receipt_id=receipt_id)
    if sent.act is Act.APPLY and sent.is_as_shown:
        choose(app, organisation_id=organisation_id, receipt_id=receipt_id, amounts=sent.amounts, actor=who)
        return go(f"/o/{organisation_id}/review?last={quote(receipt_id)}", "chosen")
    asked = urlencode({"pay": list(sent.amounts), "amount": list(sent.amounts.values()), "q": sent.q}, doseq=True)
    here = f"/o/{organisation_id}/receipts/{quote(receipt_id)}/choose?{asked}"
    return go(here, "look_again" if sent.act is Act.APPLY else "")
