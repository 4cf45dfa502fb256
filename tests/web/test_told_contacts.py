"""The page of a customer: what the ledger and the CRM tell of how to reach them, and what that is used for."""

from __future__ import annotations

from sqlalchemy import insert, select

from reminders.evidence import Channel
from runtime.operations.reaching.bad_addresses import note_bad
from runtime.store import tables as t
from tests.web.build import NOW
from tests.web.conftest import Site

PAGE = "/o/org-a/customers/acme"


def tell(site: Site, channel: Channel, *, address: str = "", written: str, why: str = "") -> None:
    row = {"customer_id": "acme", "channel": channel.value, "system": "xero", "organisation_id": "org-a"}
    with site.app.store.write() as db:
        db.execute(insert(t.told_contact).values(**row, address=address, written=written, why=why, told_at=NOW))


def test_a_number_that_is_only_known_waits_for_a_reason(site: Site) -> None:
    tell(site, Channel.SMS, address="+447400123456", written="07400 123456")
    page = site.http.get(PAGE).text
    assert "nothing is sent there until somebody says why it may" in page
    assert 'value="+447400123456"' in page
    assert '<option value="">Choose</option>' in page
    noted = {"step": "note", "number": "+447400123456", "basis": "contract"}
    page = site.http.post(f"{PAGE}/contacts/sms", data=noted, follow_redirects=True).text
    assert "nothing is sent there until" not in page
    assert "Xero has “07400 123456”; what is noted here counts." in page


def test_what_cannot_be_used_is_said_with_the_reason(site: Site) -> None:
    tell(site, Channel.LETTER, written="7 Mill Lane", why="the address lacks its city")
    assert "Xero has “7 Mill Lane”, which cannot be used: the address lacks its city." in site.http.get(PAGE).text


def test_an_e_mail_address_at_which_nothing_arrives_is_marked(site: Site) -> None:
    with site.app.store.read() as db:
        email = str(db.scalar(select(t.customer.c.email).where(t.customer.c.id == "acme")))
    for address, is_marked in (("somebody@else.example", False), (email.upper(), True)):
        with site.app.store.write() as db:
            note_bad(db, "org-a", channel=Channel.EMAIL, address=address, why="550 no such user", at=NOW)
        assert ("550 no such user" in site.http.get(PAGE).text) is is_marked
