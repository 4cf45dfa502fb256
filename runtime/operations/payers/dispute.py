"""A payer says that an invoice is wrong; a person looks into it and settles it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, update

from receivables.problem import Problem
from reminders.replies.routing import TaskKind
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.payers.attach_files import promise_files
from runtime.operations.payers.dispute_files import FitFile, SentFile, check, keep
from runtime.operations.payers.payers_word import follow, open_invoice, plain
from runtime.operations.people.tasks import close_task, open_task
from runtime.store import connections, journal
from runtime.store import tables as t

MAX_REASON_CHARS = 1_000
PROBLEM = "disputed"


def dispute(
    app: App,
    files: Sequence[SentFile] = (),
    /,
    *,
    organisation_id: str,
    customer_id: str,
    document_id: str,
    reason: str,
    actor: str,
) -> None:
    """Hold an invoice that the customer contests, for `reason` (1 to MAX_REASON_CHARS characters), and keep `files`.

    InputError for another reason or a file that is not taken; RefusedError when the invoice is not open or is
    contested already. Then nothing is kept.
    """
    said = plain(reason, MAX_REASON_CHARS, "say what is wrong, in at most %(longest)s characters")
    fit = check(files)
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        invoice = open_invoice(db, organisation_id, customer_id, document_id)
        if invoice["disputed"]:
            raise RefusedError("this invoice is contested already: we are looking into it")
        _set(db, organisation_id, document_id, disputed=True, reason=said)
        ids = keep(db, organisation_id=organisation_id, document_id=document_id, files=fit, at=app.clock())
        names = dict(zip(ids, (each.name for each in fit), strict=True))
        promise_files(db, organisation_id=organisation_id, document_id=document_id, files=names, at=app.clock())
        text = f"The customer contests {invoice['number']}: {said}"
        remedy = "Settle it with the customer, then mark the dispute as settled on the invoice's page."
        journal.raise_problem(
            db,
            organisation_id=organisation_id,
            problem=Problem(PROBLEM, text, remedy, document_id),
            at=app.clock(),
        )
        organisation = connections.organisation(db, organisation_id)
        if organisation is not None:
            open_task(
                db,
                organisation,
                kind=TaskKind.DISPUTE,
                subject=document_id,
                customer_id=customer_id,
                text=text,
                at=app.clock(),
            )
        follow(
            db,
            organisation_id=organisation_id,
            document_id=document_id,
            actor=actor,
            action="disputed",
            detail=f"the customer contests {invoice['number']}: {said}{_with(fit)}",
            at=app.clock(),
        )
    app.wake()


def settle_dispute(app: App, *, organisation_id: str, document_id: str, actor: str) -> None:
    """End a dispute: what is open is due again. RefusedError when there is none."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        if not _set(db, organisation_id, document_id, disputed=False, reason=None):
            raise RefusedError("this invoice is not contested (any more)")
        journal.resolve_problem(db, organisation_id=organisation_id, code=PROBLEM, subject=document_id, at=app.clock())
        close_task(
            db,
            organisation_id=organisation_id,
            subject=document_id,
            kinds=(TaskKind.DISPUTE,),
            by=actor,
            at=app.clock(),
        )
        follow(
            db,
            organisation_id=organisation_id,
            document_id=document_id,
            actor=actor,
            action="dispute_settled",
            detail="the dispute is settled",
            at=app.clock(),
        )
    app.wake()


def _with(files: Sequence[FitFile]) -> str:
    """Name the files that came with it, for the history."""
    return f" (with {', '.join(each.name for each in files)})" if files else ""


def _set(db: Connection, organisation_id: str, document_id: str, *, disputed: bool, reason: str | None) -> bool:
    """Change the state of a dispute; False when it was that already."""
    done = db.execute(
        update(t.document)
        .where(
            t.document.c.organisation_id == organisation_id,
            t.document.c.id == document_id,
            t.document.c.disputed.is_not(disputed),
        )
        .values(disputed=disputed, dispute_reason=reason)
    )
    return done.rowcount == 1
