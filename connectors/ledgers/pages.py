"""Pages that survive a bad object: it becomes a problem, the others become records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from connectors.contract import MAX_TAX_CODES
from connectors.errors import Fatal, Reject
from connectors.records import Kind, Page, Record, TaxCode
from receivables.problem import Problem

Made = TypeVar("Made")


def page(
    kind: Kind,
    items: Iterable[Mapping[str, Any]],
    convert: Callable[[Mapping[str, Any]], Record | None],
    *,
    identity: str,
    title: str,
) -> Page:
    """Convert each of `items`; one that cannot be read is a problem named by its `identity` field."""
    records: list[Record] = []
    problems: list[Problem] = []
    for item in items:
        try:
            record = convert(item)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            problems.append(unreadable(kind, item, error, identity=identity, title=title))
        else:
            if record is not None:
                records.append(record)
    return Page(tuple(records), tuple(problems))


def unreadable(kind: Kind, item: object, error: Exception, *, identity: str, title: str) -> Problem:
    """The problem of one object that could not be read."""
    subject = str(item.get(identity, "")) if isinstance(item, Mapping) else ""
    reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
    return Problem(
        code="unreadable_record",
        text=f"{title}: {kind.value.replace('_', ' ')} {subject or 'without an id'} cannot be read: {reason}",
        remedy=f"Open it in {title}, correct it and save it; it is read again then.",
        subject=subject,
    )


def listed(codes: Iterable[TaxCode | None], title: str) -> tuple[TaxCode, ...]:
    """Order tax codes by name; Fatal where one cannot be read, or there are more than a person chooses from."""
    try:
        found = sorted((code for code in codes if code is not None), key=lambda code: (code.name, code.code))
    except (ValueError, KeyError, TypeError, ArithmeticError, AttributeError) as error:
        raise Fatal(f"{title}: a tax code cannot be read: {error}") from error
    if len(found) > MAX_TAX_CODES:
        raise Fatal(f"{title} has more than {MAX_TAX_CODES} tax codes")
    return tuple(found)


def legible(read: Callable[[], Made], *, what: str, title: str) -> Made:
    """Read what is asked for alone; Reject when it cannot be read."""
    try:
        return read()
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        remedy = f"Open it in {title}, correct it and save it."
        raise Reject(f"{title}: {what} cannot be read: {reason}", code="unreadable", remedy=remedy) from error
