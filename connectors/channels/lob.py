"""Letters by Lob, which prints and posts them: plain HTTP, since its SDK is generated code over the same calls.

Each letter bears our key twice: as Idempotency-Key, which counts for 24 hours, and as metadata, by which one whose
answer was lost is found for good. Source: Lob's OpenAPI description (letters, tracking events, rate limiting, errors).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import requests

from connectors.channels.contract import UNREACHABLE, CarrierDeclaration, Fate, Outgoing, Report
from connectors.contract import CALL_TIMEOUT_SECONDS
from connectors.errors import Absent, Reconnect, Reject, Retry
from connectors.sessions import session_for
from receivables.address import PostalAddress

API_URL = "https://api.lob.com"
_KEY = "reminder"
_ON_ITS_WAY = frozenset(
    {"Mailed", "In Transit", "In Local Area", "Processed for Delivery", "Re-Routed", "International Exit"}
)


class LobCarrier:
    """One account at Lob."""

    def __init__(self, settings: Mapping[str, str], clock: Callable[[], datetime]) -> None:
        self._url = (settings.get("api_url") or API_URL).rstrip("/") + "/v1/letters"
        self._session = session_for(self._url)
        self._session.auth = (settings["api_key"], "")
        self._clock = clock

    def send(self, message: Outgoing) -> Report:
        """Have one letter printed and posted; `Carrier.send` names the errors."""
        if message.recipient is None or message.sender is None:
            raise Reject("a letter needs an address and a sender")
        fields = {
            **_address("to", message.recipient),
            **_address("from", message.sender),
            "color": "false",
            "use_type": "operational",
            "address_placement": "top_first_page",
            f"metadata[{_KEY}]": message.key,
        }
        answer = self._call(
            "POST",
            self._url,
            is_write=True,
            data=fields,
            files={"file": ("letter.pdf", message.pages, "application/pdf")},
            headers={"Idempotency-Key": message.key},
        )
        return _report(answer)

    def find(self, message: Outgoing) -> Report | None:
        """Look for the letter that bears our key."""
        found = self._call("GET", self._url, is_write=False, params={f"metadata[{_KEY}]": message.key, "limit": "2"})
        letters = found.get("data", [])
        return _report(letters[0]) if letters else None

    def look(self, external_id: str) -> Report:
        """Read one letter again, with what the post says of it."""
        return _report(self._call("GET", f"{self._url}/{external_id}", is_write=False))

    def _call(self, method: str, url: str, *, is_write: bool, **what: Any) -> dict[str, Any]:  # noqa: ANN401
        try:
            answer = self._session.request(method, url, timeout=CALL_TIMEOUT_SECONDS, **what)
            content = answer.json()
        except requests.ConnectionError as error:
            unheard = isinstance(error, requests.ConnectTimeout) or "Failed to establish" in str(error)
            raise Retry(f"Lob cannot be reached: {_brief(error)}", ambiguous=is_write and not unheard) from error
        except requests.RequestException as error:  # a body that is no JSON among them
            raise Retry(f"Lob's answer was lost: {_brief(error)}", ambiguous=is_write) from error
        if answer.ok and isinstance(content, dict):
            return content
        raise self._refused(answer, content, is_write=is_write)

    def _refused(self, answer: requests.Response, content: object, *, is_write: bool) -> Exception:
        said = content.get("error", {}) if isinstance(content, dict) else {}
        code, status = str(said.get("code", "")), answer.status_code
        text = f"Lob refuses: {' '.join(str(said.get('message', status)).split())[:300]}"
        if status == 429:
            return Retry(text, after_seconds=self._wait(answer))
        if status >= 500:
            return Retry(text, after_seconds=30.0, ambiguous=is_write)
        if status in (401, 403):
            return Reconnect("Lob refuses our key: check TRUEDUE_LOB_API_KEY")
        if status == 404:
            return Absent(text)
        if "address" in code or "deliver" in code:
            return Reject(text, code=UNREACHABLE, remedy="Correct the address on the customer's page.")
        return Reject(text, code=code, remedy="Read what Lob says of the letter; nothing was printed.")

    def _wait(self, answer: requests.Response) -> float:
        """Seconds until the window of calls begins anew; five where Lob does not say."""
        resets = answer.headers.get("X-Rate-Limit-Reset", "")
        return max(1.0, float(resets) - self._clock().timestamp()) if resets.isdecimal() else 5.0


def _address(which: str, address: PostalAddress) -> dict[str, str]:
    fields = {
        "name": address.name,
        "address_line1": address.street,
        "address_line2": address.extra,
        "address_city": address.city,
        "address_state": address.region,
        "address_zip": address.post_code,
        "address_country": address.country,
    }
    return {f"{which}[{name}]": value for name, value in fields.items() if value}


def _report(letter: dict[str, Any]) -> Report:
    """How far a letter came: it was not printed, it came back, it arrived, it is on its way, or it is being made."""
    external_id, events = str(letter["id"]), [str(each.get("name", "")) for each in letter.get("tracking_events") or []]
    if letter.get("status") == "failed":
        reason = (letter.get("failure_reason") or {}).get("failure_reason", "it could not be printed")
        return Report(external_id, Fate.UNDELIVERED, f"failed: {reason}")
    if "Returned to Sender" in events:
        return Report(external_id, Fate.UNDELIVERED, "returned to sender")
    if "Delivered" in events:
        return Report(external_id, Fate.DELIVERED, "delivered")
    if _ON_ITS_WAY & set(events):
        return Report(external_id, Fate.SENT, events[-1].lower())
    return Report(external_id, Fate.ACCEPTED, str(letter.get("expected_delivery_date") or "being made"))


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


CARRIER = CarrierDeclaration(
    name="lob",
    title="Lob",
    channel="letter",
    needs=("api_key",),
    open=LobCarrier,
    prints_addresses=True,
)
