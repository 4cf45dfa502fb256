"""Answers as a vendor gives them on a bad day: lists that lag behind, batches of which one part was not done."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from runtime.simulation.wire import Answered, Sent

_STAMPS = {  # where the elements of a list say when they changed, by system
    "xero": ("UpdatedDateUTC",),
    "quickbooks": ("MetaData", "LastUpdatedTime"),
    "salesforce": ("SystemModstamp",),
}
_MS_DATE = re.compile(r"/Date\((-?\d+)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATER_PAGE = re.compile(r"page=(?:[2-9]|\d\d)|STARTPOSITION(?: |\+|%20)(?:[2-9]|\d\d)|starting_after=|/query/01g")
_REFUSED = 400
_LOCKED = {
    "success": False,
    "errors": [{"statusCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access", "fields": []}],
}


def is_later_page(sent: Sent) -> bool:
    """Whether a call reads another page of a list than the first."""
    return _LATER_PAGE.search(f"{sent.path}?{sent.query} {sent.body.decode()}") is not None


def without_news(system: str, answered: Answered, since: datetime) -> Answered | None:
    """Return an answer whose lists do not show yet what changed after `since`; None when that leaves out nothing."""
    if system not in _STAMPS:
        return None
    try:
        body = json.loads(answered.body)
    except ValueError:
        return None
    left_out = [_prune(rows, system, since) for rows in _lists(body)]
    return replace(answered, body=json.dumps(body).encode()) if any(left_out) else None


def _lists(body: Any) -> list[list[Any]]:  # noqa: ANN401 - any JSON
    """The lists of objects in an answer; their own lines and links stay as they are."""
    found = []
    for value in body.values() if isinstance(body, dict) else ():
        if isinstance(value, list) and all(isinstance(each, dict) for each in value):
            found.append(value)
        elif isinstance(value, dict):
            found += _lists(value)
    return found


def _prune(rows: list[Any], system: str, since: datetime) -> int:
    old = [row for row in rows if (at := _changed_at(row, _STAMPS[system])) is None or at <= since]
    gone = len(rows) - len(old)
    rows[:] = old
    return gone


def _changed_at(row: Any, names: tuple[str, ...]) -> datetime | None:  # noqa: ANN401
    for name in names:
        row = row.get(name) if isinstance(row, dict) else None
    if not isinstance(row, str):
        return None
    if found := _MS_DATE.match(row):
        return _EPOCH + timedelta(milliseconds=int(found[1]))
    return datetime.fromisoformat(row)


def done_in_part(sent: Sent, rng: Random, ask: Callable[[Sent], Answered]) -> Answered | None:
    """Let all but one part of a batch be done; None for a call that is no batch of several parts."""
    if "/batch" not in sent.path and "/composite/sobjects" not in sent.path:
        return None
    body = json.loads(sent.body or b"{}")
    name = "BatchItemRequest" if sent.system == "quickbooks" else "records"
    parts = body.get(name, [])
    if len(parts) < 2:
        return None
    place = rng.randrange(len(parts))
    del parts[place]
    content = json.dumps(body).encode()
    # The rest is another request than the whole would be: it has a name of its own, where it has one.
    query = re.sub(r"requestid=([^&]+)", r"requestid=\1p", sent.query)
    headers = {name: value for name, value in sent.headers.items() if name.lower() != "content-length"}
    answered = ask(replace(sent, body=content, query=query, headers=headers))
    if sent.system == "quickbooks" or answered.status >= _REFUSED:
        return answered  # it says nothing at all of the part that is missing
    told = json.loads(answered.body)
    if not isinstance(told, list):
        return answered
    told.insert(place, _LOCKED)
    return replace(answered, body=json.dumps(told).encode())
