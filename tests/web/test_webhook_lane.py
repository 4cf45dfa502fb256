"""Webhooks have a lane of their own: it refuses what the pages refuse, and says when to come again."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator

import pytest
from sqlalchemy import select, text

from runtime.operations.inbox.intake import RETRY_AFTER_SECONDS
from runtime.operations.inbox.take_webhook import MAX_BODY_BYTES
from runtime.store import tables as t
from tests.cli.command import xero_event
from tests.web.build import XERO_SECRET
from tests.web.conftest import Site

BODY = xero_event("7f3a")


def _signed(body: bytes, **headers: str) -> dict[str, str]:
    signature = base64.b64encode(hmac.new(XERO_SECRET.encode(), body, hashlib.sha256).digest()).decode()
    return {"x-xero-signature": signature} | headers


def _stored(site: Site) -> int:
    with site.app.store.read() as db:
        return len(db.execute(select(t.inbox.c.id)).all())


def _pieces(body: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def test_a_body_in_pieces_is_taken_whole(site: Site) -> None:
    answer = site.http.post("/webhooks/xero", content=_pieces(BODY, 10), headers=_signed(BODY))
    assert (answer.status_code, answer.content) == (200, b"")
    assert _stored(site) == 1


def test_a_body_that_turns_out_too_large_is_refused_whatever_its_header_said(site: Site) -> None:
    body = b" " * (MAX_BODY_BYTES + 1)
    answer = site.http.post("/webhooks/xero", content=_pieces(body, 64 * 1024), headers=_signed(body))
    assert (answer.status_code, answer.content) == (413, b"")
    assert _stored(site) == 0


@pytest.mark.parametrize(("host", "status"), [("evil.example", 421), ("127.0.0.1", 200), ("localhost:8000", 200)])
def test_only_a_known_host_is_answered(site: Site, host: str, status: int) -> None:
    answer = site.http.post("/webhooks/xero", content=BODY, headers=_signed(BODY, Host=host))
    assert answer.status_code == status
    assert _stored(site) == (status == 200)


def test_answers_have_the_headers_of_every_answer(site: Site) -> None:
    answer = site.http.post("/webhooks/xero", content=BODY, headers=_signed(BODY))
    page = site.http.get("/healthz")
    for name in ("content-security-policy", "x-content-type-options", "referrer-policy", "cache-control"):
        assert answer.headers[name] == page.headers[name]


def test_other_methods_and_paths_are_no_webhooks(site: Site) -> None:
    assert site.http.get("/webhooks/xero").status_code == 405
    for path in ("/webhooks/", "/webhooks/xero/more", "/webhooks/XERO"):
        assert site.http.post(path, content=BODY, headers=_signed(BODY)).status_code == 404
    assert _stored(site) == 0


def test_what_cannot_be_stored_is_to_come_again_and_counted(site: Site) -> None:
    with site.app.store.write() as db:
        db.execute(text("ALTER TABLE inbox RENAME TO away"))
    answer = site.http.post("/webhooks/xero", content=BODY, headers=_signed(BODY))
    assert (answer.status_code, answer.content) == (503, b"")
    assert answer.headers["retry-after"] == str(RETRY_AFTER_SECONDS)
    with site.app.store.write() as db:
        db.execute(text("ALTER TABLE away RENAME TO inbox"))
    assert site.http.post("/webhooks/xero", content=BODY, headers=_signed(BODY)).status_code == 200
    measures = site.http.get("/metrics").text.splitlines()
    assert 'truedue_webhooks_total{outcome="unavailable",system="xero"} 1.0' in measures
    assert _stored(site) == 1
