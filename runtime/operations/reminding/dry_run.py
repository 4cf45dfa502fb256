"""What would be reminded at a given time, item by item, with its certificate; nothing is sent or changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from reminders.certificate import decision_json
from runtime.operations.reminding.plan import decide
from runtime.store.connections import Organisation
from runtime.store.engine import Store


def dry_run(
    store: Store,
    organisation: Organisation,
    *,
    as_of: datetime,
    now: datetime,
) -> Iterator[dict[str, Any]]:
    """Yield the decision on every open invoice. For a time in the past freshness is reported and not held."""
    past = as_of < now
    with store.read() as db:
        decided = decide(db, organisation, now=as_of, freshness_is_reported=past)
    for decision in decided.decisions:
        yield decision_json(
            organisation=organisation.id,
            decision=decision,
            as_of=as_of,
            freshness_is_reported=past,
        )
