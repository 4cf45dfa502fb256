"""Routes for vendors and monitors: webhooks, health, readiness, measures."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from datetime import timedelta

import httpx
from sqlalchemy import select, text

from runtime.operations.inbox.take_webhook import MAX_BODY_BYTES
from runtime.store import tables as t
from tests.web.build import XERO_SECRET
from tests.web.conftest import Site

WAIT_SECONDS = 20
EVENT = {
    "resourceUrl": "",
    "resourceId": "7f3a",
    "eventDateUtc": "2026-03-10T08:59:00.000",
    "eventType": "UPDATE",
    "eventCategory": "INVOICE",
    "tenantId": "org-a-xero",
    "tenantType": "ORGANISATION",
}
BODY = json.dumps({"events": [EVENT], "firstEventSequence": 1, "lastEventSequence": 1, "entropy": "x"}).encode()


def _post(site: Site, body: bytes, *, secret: str = XERO_SECRET, **headers: str) -> httpx.Response:
    signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    return site.http.post("/webhooks/xero", content=body, headers={"x-xero-signature": signature} | headers)


def _inbox(site: Site) -> list[tuple[str, str]]:
    with site.app.store.read() as db:
        return [(row.external_id, row.state) for row in db.execute(select(t.inbox))]


def _wait_for(woken: list[int]) -> None:
    ends = time.monotonic() + WAIT_SECONDS
    while not woken:
        assert time.monotonic() < ends, "nobody was woken"
        time.sleep(0.01)


def test_a_signed_webhook_is_stored_once_and_answered_empty(site: Site) -> None:
    woken: list[int] = []
    site.app.wake = lambda _after=0.0: woken.append(1)
    for _ in range(2):
        answer = _post(site, BODY)
        assert (answer.status_code, answer.content) == (200, b"")
        assert "set-cookie" not in answer.headers
    assert _inbox(site) == [("7f3a", "new")]
    _wait_for(woken)  # the answer waits for no broker
    assert woken == [1]


def test_a_bad_signature_is_refused_empty_and_stores_nothing(site: Site) -> None:
    for answer in (_post(site, BODY, secret="another"), site.http.post("/webhooks/xero", content=BODY)):
        assert (answer.status_code, answer.content) == (401, b"")
    assert _inbox(site) == []


def test_a_signed_body_that_cannot_be_read_is_stored_aside(site: Site) -> None:
    assert _post(site, b"poison").status_code == 200
    assert [state for _, state in _inbox(site)] == ["aside"]
    (action,) = re.findall(r'action="(/unclaimed/\d+/replay)"', site.http.get("/unclaimed").text)
    again = site.http.post(action)
    assert again.status_code == 409 and "cannot be read" in again.text, "it stays aside, and says why"


def test_a_system_without_a_secret_and_an_unknown_one_are_refused(site: Site) -> None:
    assert site.http.post("/webhooks/stripe", content=b"{}").status_code == 401
    assert site.http.post("/webhooks/sage", content=b"{}").status_code == 404


def test_a_webhook_that_is_too_large_is_refused(site: Site) -> None:
    answer = _post(site, b"x" * (MAX_BODY_BYTES + 1))
    assert (answer.status_code, answer.content) == (413, b"")
    assert _inbox(site) == []


def test_a_webhook_needs_no_origin(site: Site) -> None:
    assert _post(site, BODY, **{"Sec-Fetch-Site": "cross-site", "Origin": "https://vendor.example"}).status_code == 200


def test_alive_and_ready(site: Site) -> None:
    assert site.http.get("/healthz").text == "ok"
    assert site.http.get("/readyz").status_code == 200
    with site.app.store.write() as db:
        db.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    answer = site.http.get("/readyz")
    assert answer.status_code == 503
    assert "migration" in answer.text
    assert site.http.get("/healthz").status_code == 200


def test_the_measures_show_what_waits_and_how_long(site: Site) -> None:
    assert "truedue_inbox_oldest_seconds 0.0" in site.http.get("/metrics").text
    _post(site, BODY)
    _post(site, BODY, secret="another")
    site.time.now += timedelta(seconds=90)
    text_ = site.http.get("/metrics").text
    for line in (
        'truedue_inbox_rows{state="new"} 1.0',
        "truedue_inbox_oldest_seconds 90.0",
        'truedue_reminders_rows{state="planned"} 1.0',
        'truedue_reminders_rows{state="sent"} 1.0',
        'truedue_webhooks_total{outcome="stored",system="xero"} 1.0',
        'truedue_webhooks_total{outcome="refused",system="xero"} 1.0',
    ):
        assert line in text_.splitlines(), line


def test_the_description_names_every_contract_route(site: Site) -> None:
    paths = site.http.get("/openapi.json").json()["paths"]
    assert {"/healthz", "/readyz", "/metrics", "/webhooks/{system}", "/connect/{system}"} <= set(paths)
