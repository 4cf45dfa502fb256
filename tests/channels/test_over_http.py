"""What Twilio and payers reach over HTTP: signed callbacks, and short addresses of payers' pages."""

from __future__ import annotations

import pytest
import requests

from runtime.store import tables as t
from tests.channels.conftest import ACME, Texting
from tests.web.serving import serving


@pytest.mark.long
def test_a_callback_and_a_stop_are_taken_and_a_short_address_leads_to_the_payers_page(texting: Texting) -> None:
    firm = texting.firm
    with serving(firm.app) as address:
        firm.app.settings.public_url = address
        firm.app.carriers._open.clear()  # the carrier tells Twilio where to call back
        texting.twilio.inbound_url = f"{address}/webhooks/twilio"
        texting.send()
        (told,) = texting.twilio.settle(ACME, "delivered")
        assert told.url == f"{address}/webhooks/twilio"
        stop = texting.twilio.answer(ACME, "STOP")
        for delivery in (told, stop):
            answer = requests.post(delivery.url, data=delivery.body, headers=delivery.headers, timeout=10)
            assert (answer.status_code, answer.text) == (200, "")
        forged = requests.post(stop.url, data=stop.body + b"1", headers=stop.headers, timeout=10)
        assert forged.status_code == 401
        assert requests.post(f"{address}/webhooks/lob", data=b"{}", timeout=10).status_code == 404
        firm.work()
        assert [row.state for row in firm.rows(t.delivery, state="delivered")] == ["delivered"]
        assert [row.number for row in firm.rows(t.stopped_number)] == [ACME]
        (text,) = texting.twilio.sent_to(ACME)
        (link,) = [word for word in text.split() if "/t/" in word]
        page = requests.get(link, timeout=10)
        assert page.status_code == 200
        assert "/p/" in page.url
        assert "INV-1001" in page.text
        assert requests.get(f"{address}/t/nothing", timeout=10).status_code == 404
        firm.time.advance(days=91)
        assert requests.get(link, timeout=10).status_code == 404
