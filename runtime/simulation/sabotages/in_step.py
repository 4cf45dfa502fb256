"""Safeguards of reading, merging and writing."""

from __future__ import annotations

from collections import Counter
from typing import Any

from connectors.records import Kind, Page, Record
from runtime.operations.systems.absorb.scope import DOCUMENT_LINK
from runtime.simulation.sabotages.sabotage import Sabotage, all_of, doing_nothing, replacing, wrapping
from runtime.store import connections
from runtime.store import tables as t

LEDGERS = ("xero", "quickbooks")


class _Never(Exception):
    """What nothing is an instance of."""


def _missing_is_deleted(real: Any) -> Any:  # noqa: ANN401
    def hasty(db: Any, *, connection: Any, page: Page, read_at: Any) -> None:  # noqa: ANN401
        real(db, connection=connection, page=page, read_at=read_at)
        if page.records or connection.system not in LEDGERS:
            return
        mine = (t.link.c.organisation_id == connection.organisation_id) & (t.link.c.system == connection.system)
        row = db.execute(t.link.select().where(mine, t.link.c.kind == DOCUMENT_LINK).limit(1)).first()
        if row is not None:
            gone = Record(Kind.INVOICE, row.external_id, row.version, read_at, None, deleted=True)  # type: ignore[arg-type]
            real(db, connection=connection, page=Page((gone,)), read_at=read_at)

    return hasty


def _watermark_first(real: Any) -> Any:  # noqa: ANN401
    def early(self: Any, connection: Any, kind: Any, *, since: Any) -> Any:  # noqa: ANN401
        now = self._clock()
        if since is not None:
            with self._store.write() as db:
                connections.set_watermark(db, connection.id, kind, now)
        return real(self, connection, kind, since=since)

    return early


def _whole_record(real: Any) -> Any:  # noqa: ANN401
    def blanking(intent: Any) -> Any:  # noqa: ANN401
        return {"Phone": None, "BillingCountry": None} | real(intent)

    return blanking


def _whatever_version(real: Any) -> Any:  # noqa: ANN401
    def blind(intent: Any, item: Any) -> Any:  # noqa: ANN401
        outcome = real(intent, item)
        return None if getattr(outcome, "code", "") == "stale" else outcome

    return blind


def _but_for_receipts(real: Any) -> Any:  # noqa: ANN401
    """Of the other tables there is so much that the run would take for ever."""

    def forgetful(db: Any, table: Any, rows: Any) -> None:  # noqa: ANN401
        if table is not t.receipt:
            real(db, table, rows)

    return forgetful


def _gone_is_forgotten(real: Any) -> Any:  # noqa: ANN401
    def forgetful(shown: Any, read_at: Any, held: Any, *, gone: bool = False) -> bool:  # noqa: ANN401
        return not (held is not None and held.surpassed) and bool(real(shown, read_at, held, gone=gone))

    return forgetful


SABOTAGES = (
    Sabotage(
        "newer-version-stands",
        "what is from before what stands here is left out",
        9,
        replacing("runtime.operations.systems.absorb.versions.is_past", lambda *_, **__: False),
        often={"overtaken": 10, "stale_read": 3},
    ),
    Sabotage(
        "gone-stays-gone",
        "what is gone does not come back by an older reading",
        17,
        wrapping("runtime.operations.systems.absorb.versions.is_past", _gone_is_forgotten),
        often={"deleted_meanwhile": 30, "pay by card": 2},
    ),
    Sabotage(
        "missed-is-polled",
        "what webhooks did not tell is read all the same",
        10,
        replacing("runtime.operations.work._read", lambda *_: Counter()),
    ),
    Sabotage(
        "shown-when-taken",
        "what the CRM did not take is shown again",
        10,
        replacing("runtime.operations.systems.show_in_crm.Retry", _Never),
        often={"batch_in_part": 5, "server_error": 4},
    ),
    Sabotage(
        "crm-edits",
        "what people edit in the CRM is taken over",
        11,
        replacing("runtime.operations.systems.absorb.documents._absorb_crm_invoices", doing_nothing),
    ),
    Sabotage(
        "only-our-fields",
        "a write names only what it changes",
        12,
        wrapping("connectors.crm.salesforce.writing._balance", _whole_record),
    ),
    Sabotage(
        "shown-once",
        "what the CRM shows already is not shown again",
        13,
        all_of(
            wrapping("runtime.operations.systems.show_in_crm._settle_as_seen", _but_for_receipts),
            replacing("runtime.operations.work.MAX_ROUNDS", 2),  # there would be no end to it
        ),
    ),
    Sabotage(
        "looked-at-first",
        "what people edited in the CRM is not overwritten unseen",
        15,
        replacing("runtime.operations.systems.show_in_crm.look_first", lambda *_: False),
        often={"edit in both": 8, "extend in the CRM": 3},
    ),
    Sabotage(
        "version-checked",
        "what changed since it was merged is not overwritten",
        15,
        wrapping("connectors.ledgers.xero.edits._settled", _whatever_version),
        often={"edited_first": 2, "extend in the CRM": 3},
    ),
    Sabotage(
        "missing-is-not-deleted",
        "what a listing does not show is not deleted",
        16,
        wrapping("runtime.operations.systems.pull.absorb", _missing_is_deleted),
    ),
    Sabotage(
        "watermark-last",
        "the watermark moves with the last page",
        18,
        wrapping("runtime.vendors.Vendors.pages", _watermark_first),
        often={"webhook_drop": 8, "server_error": 5, "cut_before_effect": 5},
    ),
)
