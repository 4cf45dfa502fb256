"""Xero's limits: named however they are dressed, believed before they are reached, never exceeded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from urllib3 import HTTPHeaderDict
from werkzeug.wrappers import Request, Response

from connectors.errors import NoRoom, Retry
from connectors.intents import Done, NoteDocument
from connectors.ledgers.xero.limits import LIMITS, nearly_used, pause, problem, retry_after
from connectors.records import Kind
from tests.connectors.ledger_suite import Install, Ledger, always, done, intercept, receipt, write_one
from tests.connectors.xero_organisation import ledger

__all__ = ["intercept", "ledger"]


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({}, []),
        ({"x-minlimit-remaining": "11", "X-DayLimit-Remaining": "501"}, []),
        ({"x-minlimit-remaining": "10"}, [(60.0, 10)]),
        ({"X-MinLimit-Remaining": "0", "X-DayLimit-Remaining": "500"}, [(60.0, 0), (86_400.0, 500)]),
        ({"X-MinLimit-Remaining": "few", "X-DayLimit-Remaining": "-1"}, []),
    ],
)
def test_what_is_nearly_used_is_told(headers: dict[str, str], found: list[tuple[float, int]]) -> None:
    assert nearly_used(HTTPHeaderDict(headers)) == found


@pytest.mark.parametrize(
    ("answer", "named", "seconds"),
    [
        ((429, {"Retry-After": "7", "X-Rate-Limit-Problem": "minute"}, b""), "minute", 7.0),
        ((429, {"X-Rate-Limit-Problem": "Day"}, b""), "day", 3600.0),
        ((429, {"x-rate-limit-problem": "appminute"}, b""), "appminute", 60.0),
        ((429, {"X-Rate-Limit-Problem": "concurrent"}, b""), "concurrent", 1.0),
        ((429, {}, b""), "unnamed", 60.0),
        ((403, {"X-Rate-Limit-Problem": "day", "Retry-After": "9"}, b""), "day", 9.0),
        ((503, {}, b"oauth_problem=Rate%20Limit%20Exceeded"), "unnamed", 60.0),
    ],
)
def test_a_limit_is_named_however_it_is_dressed(
    ledger: Ledger, intercept: Install, answer: tuple[int, dict[str, str], bytes], named: str, seconds: float
) -> None:
    status, headers, body = answer
    found = HTTPHeaderDict(headers)
    assert (problem(status, found, body), pause(named, found)) == (named, seconds)
    intercept(always(body.decode(), status=status, headers=headers))
    outcome = write_one(ledger, receipt(ledger, "limit", {2: "10"}))
    assert isinstance(outcome, Retry)
    assert (outcome.after_seconds, outcome.ambiguous) == (seconds, False)
    assert named in str(outcome)


def test_other_failures_are_no_limit() -> None:
    for status in (400, 401, 500, 503):
        assert problem(status, HTTPHeaderDict({"Retry-After": "3"}), b"maintenance") is None
    assert retry_after(HTTPHeaderDict({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"})) is None


def test_reading_waits_when_others_used_the_organisations_calls_and_what_is_urgent_does_not(ledger: Ledger) -> None:
    other = ledger.consent.open()  # it counts for itself, as another process without our database would
    for _ in range(44):  # connecting asked for the organisation, which is one more
        list(other.read(Kind.ACCOUNT, since=None))
    other.close()
    slept = ledger.time.slept
    for _ in range(5):  # up to what is kept for urgent calls
        list(ledger.connector.read(Kind.ACCOUNT, since=None))
    done(write_one(ledger, receipt(ledger, "urgent", {2: "10"})))
    told = NoteDocument("event", ledger.invoices[2], "TrueDue: Payment applied", is_event=True)
    assert isinstance(write_one(ledger, told), NoRoom)
    done(write_one(ledger, replace(told, key="note", is_event=False)))
    assert ledger.time.slept == slept, "a line of what happened waits for no call either"
    list(ledger.connector.read(Kind.ACCOUNT, since=None))
    assert ledger.time.slept - slept > 30, "it is known here what others used"
    assert ledger.standin.avoidable_429 == 0


def test_lines_of_what_happened_take_a_fifth_of_a_days_calls_at_most(ledger: Ledger) -> None:
    told = NoteDocument("event", ledger.invoices[2], "TrueDue: Payment applied", is_event=True)
    (bound,) = [limit for limit in LIMITS if limit.of]
    written = 0
    while written <= bound.calls:
        outcome = write_one(ledger, replace(told, key=f"event {written}"))
        if isinstance(outcome, NoRoom) and outcome.after_seconds > 60:
            break
        written += isinstance(outcome, Done)
        ledger.time.sleep(outcome.after_seconds if isinstance(outcome, NoRoom) else 0.0)
    assert written == bound.calls == 1000
    done(write_one(ledger, replace(told, key="note", is_event=False)))
    done(write_one(ledger, receipt(ledger, "money", {2: "10"})))
    list(ledger.connector.read(Kind.ACCOUNT, since=None))
    assert ledger.standin.avoidable_429 == 0


def test_no_more_than_five_calls_are_on_their_way(ledger: Ledger, intercept: Install) -> None:
    inside, most = 0, 0
    lock, together = threading.Lock(), threading.Event()

    def watch(_: Request, handle: Callable[[], Response]) -> Response:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
            if inside == 5:
                together.set()
        together.wait(5)
        time.sleep(0.3)  # a sixth call would arrive now
        response = handle()
        with lock:
            inside -= 1
        return response

    intercept(watch)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            list(ledger.connector.read(Kind.ACCOUNT, since=None))
        except Retry as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 5
    assert not failures
    assert ledger.standin.avoidable_429 == 0
