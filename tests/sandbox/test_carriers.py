"""The carriers of `truedue sandbox`: what is sent arrives, and is told to whoever watches."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import requests

from sandbox.carriers import Carriers

DEADLINE_SECONDS = 20.0


def test_a_text_arrives_by_itself_and_is_shown() -> None:
    heard: list[str] = []
    with Carriers(clock=lambda: datetime.now(UTC), hear=heard.append) as carriers, requests.Session() as client:
        client.trust_env = False
        given = carriers.environment
        sid, number = given["TRUEDUE_TWILIO_ACCOUNT_SID"], given["TRUEDUE_TWILIO_FROM_NUMBER"]
        client.auth = (sid, given["TRUEDUE_TWILIO_AUTH_TOKEN"])
        base = f"{given['TRUEDUE_TWILIO_API_URL']}/2010-04-01/Accounts/{sid}/Messages"
        sent = client.post(f"{base}.json", data={"To": "+447400123456", "From": number, "Body": "Hello"}, timeout=5)
        assert sent.status_code == 201
        ends = time.monotonic() + DEADLINE_SECONDS
        status = ""
        while status != "delivered" and time.monotonic() < ends:
            time.sleep(0.1)
            status = client.get(f"{base}/{sent.json()['sid']}.json", timeout=5).json()["status"]
        assert status == "delivered"
        client.auth = (given["TRUEDUE_LOB_API_KEY"], "")
        assert client.get(f"{given['TRUEDUE_LOB_API_URL']}/v1/letters", timeout=5).json()["count"] == 0
    assert heard == ["text to +447400123456: Hello"]
