"""The page of messages that wait: shown as they read, approved and rejected without a script."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy import select

from runtime.operations.reminding.plan import plan_reminders
from runtime.store import tables as t
from tests.web.build import NOW
from tests.web.conftest import Site

PAGE = "/o/org-a/approvals"


def test_a_message_is_shown_as_it_reads_and_decided_on(site: Site) -> None:
    with site.app.store.write() as db:  # Bolt was written to long ago, and may be again
        db.execute(t.reminder.update().where(t.reminder.c.id == "rem-1").values(sent_at=NOW - timedelta(days=8)))
    assert site.http.post("/o/org-a/settings/approvals", data={"approvals": "on"}).status_code == 303
    plan_reminders(site.app, "org-a")
    page = site.http.get(PAGE).text
    assert "&lt;script&gt;alert" in page
    assert "INV-5" in page
    assert "£2,000.00" in page
    assert "It waits because every message is approved first, by the settings." in page
    assert "/p/…" in page, "whoever may only look gets no link with which they could act as the payer"
    form = r'action="([^"]*/approve)">\s*<input type="hidden" name="digest" value="(\w+)"'
    ((address, digest),) = re.findall(form, page)
    assert site.http.post(address, data={"digest": "0" * 64}).status_code == 409
    assert site.http.post(address, data={"digest": digest, "note": "x" * 501}).status_code == 400
    answer = site.http.post(address, data={"digest": digest, "note": "Thank you for the call."})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?notice=message_approved")
    page = site.http.get(PAGE).text
    assert address not in page
    assert "Thank you for the call." in page
    assert site.http.post(f"/o/org-a/message-decisions/{digest}/take-back").status_code == 303
    assert address in site.http.get(PAGE).text
    assert site.http.post(address.replace("/approve", "/reject"), data={"digest": digest}).status_code == 303
    with site.app.store.read() as db:
        (row,) = db.execute(select(t.approval)).all()
    assert (row.decision, row.note, row.decided_by) == ("rejected", "", "owner")
    assert site.http.post(f"/o/org-b/message-decisions/{digest}/take-back").status_code == 409
