"""Texts through Twilio's Programmable Messaging API, by its own SDK.

Twilio has no idempotency key: a message whose answer was lost is looked for among those to the same number, by words
that stand in no other. Sources: Twilio's Message resource, its error dictionary, and its page on webhook security.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException  # type: ignore[import-untyped]
from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from connectors.channels.contract import (
    STOPPED,
    UNREACHABLE,
    CarrierDeclaration,
    Cost,
    Fate,
    Outgoing,
    Report,
    Told,
)
from connectors.contract import CALL_TIMEOUT_SECONDS
from connectors.errors import Absent, Reconnect, Reject, Retry

MAX_LOOKED_THROUGH = 200  # messages to one number since the lost one: nobody is written to so often
CLOCKS_APART = timedelta(minutes=5)  # a message may bear a time that much before ours
WEBHOOK_PATH = "/webhooks/twilio"

_FATES = {
    "accepted": Fate.ACCEPTED,
    "scheduled": Fate.ACCEPTED,
    "queued": Fate.ACCEPTED,
    "sending": Fate.ACCEPTED,
    "sent": Fate.SENT,
    "delivered": Fate.DELIVERED,
    "read": Fate.DELIVERED,
    "undelivered": Fate.UNDELIVERED,
    "failed": Fate.UNDELIVERED,
    "canceled": Fate.UNDELIVERED,
}
# Of the error dictionary: what says that no text arrives at this number.
_UNREACHABLE = frozenset({21211, 21214, 21217, 21219, 21408, 21612, 21614})
_STOPPED = 21610
_WORDS = {
    30003: "the telephone is switched off or out of reach",
    30004: "the telephone refuses texts",
    30005: "the number is unknown",
    30006: "the number is a landline, or its network takes no texts",
    30007: "the network filtered the text out",
    30008: "the network gives no reason",
}


class TwilioCarrier:
    """One account at Twilio and the number (or alphanumeric sender) that it writes from."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        http = TwilioHttpClient(timeout=CALL_TIMEOUT_SECONDS)
        self._client = Client(settings["account_sid"], settings["auth_token"], http_client=http)
        if settings.get("api_url"):
            self._client.api.base_url = settings["api_url"].rstrip("/")
        self._from = settings["from_number"]
        self._callback = settings["public_url"] + WEBHOOK_PATH

    def send(self, message: Outgoing) -> Report:
        """Send one text; `Carrier.send` names the errors."""
        with _errors(is_write=True):
            made = self._client.messages.create(
                to=message.to, from_=self._from, body=message.text, status_callback=self._callback
            )
        return _report(made)

    def find(self, message: Outgoing) -> Report | None:
        """Look through the messages to the same number for the one in which `mark` stands."""
        with _errors(is_write=False):
            for each in self._client.messages.stream(to=message.to, limit=MAX_LOOKED_THROUGH, page_size=100):
                if each.date_created is not None and each.date_created < message.begun_at - CLOCKS_APART:
                    return None
                if each.direction == "inbound":
                    continue
                if not each.body:
                    raise Reject("Twilio keeps no words of this account's messages: nobody can tell which one it is")
                if message.mark in each.body:
                    return _report(each)
        return None

    def look(self, external_id: str) -> Report:
        """Read one message again."""
        with _errors(is_write=False):
            return _report(self._client.messages(external_id).fetch())


def _report(message: Any) -> Report:  # noqa: ANN401 - the SDK's record has no types
    code = message.error_code
    why = _WORDS.get(code, message.error_message or "") if code else ""
    detail = f"{message.status}: {why} ({code})" if code else str(message.status)
    cost = Cost(abs(Decimal(message.price)), str(message.price_unit).upper()) if message.price else None
    return Report(message.sid, _FATES.get(str(message.status), Fate.ACCEPTED), detail, cost)


@contextmanager
def _errors(*, is_write: bool) -> Iterator[None]:
    """Name what Twilio or the way to it says by what the caller must do."""
    try:
        yield
    except TwilioRestException as error:
        raise _refused(error, is_write=is_write) from error
    except requests.ConnectionError as error:
        # Without a connection nothing was sent; one that breaks later may have been heard.
        unheard = isinstance(error, requests.ConnectTimeout) or "Failed to establish" in str(error)
        raise Retry(f"Twilio cannot be reached: {_brief(error)}", ambiguous=is_write and not unheard) from error
    except (requests.RequestException, TwilioException, ValueError) as error:
        raise Retry(f"Twilio's answer was lost: {_brief(error)}", ambiguous=is_write) from error


def _refused(error: TwilioRestException, *, is_write: bool) -> Exception:
    text = f"Twilio refuses: {' '.join(str(error.msg).split())[:200]} ({error.code})"
    if error.status == 429:
        return Retry(text, after_seconds=30.0)
    if error.status >= 500:
        return Retry(text, after_seconds=30.0, ambiguous=is_write)
    if error.status in (401, 403) and error.code not in _UNREACHABLE:
        return Reconnect(f"Twilio refuses our sign-in: check TRUEDUE_TWILIO_ACCOUNT_SID and _AUTH_TOKEN ({error.code})")
    if error.status == 404:
        return Absent(text)
    if error.code == _STOPPED:
        return Reject(text, code=STOPPED, remedy="The owner of this telephone wants no texts: use another channel.")
    if error.code in _UNREACHABLE:
        return Reject(text, code=UNREACHABLE, remedy="Note another number, or use another channel.")
    return Reject(text, code=str(error.code), remedy="Look the code up in Twilio's error dictionary.")


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _verify(settings: Mapping[str, str], url: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether `X-Twilio-Signature` signs this address and these form fields with the account's token."""
    fields = _fields(body)
    if fields is None or fields.get("AccountSid") != settings["account_sid"]:
        return False
    signature = headers.get("x-twilio-signature", "")
    return bool(RequestValidator(settings["auth_token"]).validate(url, fields, signature))


def _told(body: bytes) -> list[Told]:
    fields = _fields(body)
    if fields is None:
        raise ValueError("this is no form")
    message, status = fields.get("MessageSid", ""), fields.get("MessageStatus", "")
    if not message:
        raise ValueError("the webhook names no message")
    if status and status != "received":
        return [Told(f"{message} {status}", message)]
    return [Told(f"{message} received", message, sender=fields.get("From", ""), text=fields.get("Body", ""))]


def _fields(body: bytes) -> dict[str, str] | None:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=100))
    except ValueError:
        return None


def _open(settings: Mapping[str, str], _clock: Callable[[], datetime]) -> TwilioCarrier:
    return TwilioCarrier(settings)


CARRIER = CarrierDeclaration(
    name="twilio",
    title="Twilio",
    channel="sms",
    needs=("account_sid", "auth_token", "from_number"),
    open=_open,
    verify=_verify,
    told=_told,
)
