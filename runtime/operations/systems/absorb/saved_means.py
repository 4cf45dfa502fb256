"""Means of payment that payers saved at the processor for mandates of ours."""

from __future__ import annotations

from typing import cast

from connectors.records import Record, SavedMeansFields
from runtime.operations.autopay.agree import keep_means
from runtime.operations.systems.absorb.scope import Scope
from runtime.store import connections


def absorb_saved_means(scope: Scope, records: list[Record]) -> None:
    """Switch autopay on for whoever saved a means on the page that was opened for it."""
    processor = connections.connection_for_role(scope.db, scope.organisation_id, scope.role)
    if processor is None:
        return
    for record in records:
        saved = cast(SavedMeansFields, record.fields)
        keep_means(scope.db, scope.organisation_id, saved, account=processor.account.external_id, at=scope.read_at)
