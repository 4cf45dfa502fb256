"""A stand-in of Twilio's messaging: texts that are taken, delivered or not, answered, and told of by signed calls.

Written from Twilio's API reference (Message resource), its error dictionary and its page on validating requests. What
was sent stands in `messages`, in order.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import urlencode

from werkzeug.wrappers import Request, Response

from sandbox.standin import Clock, StandIn, json_response, route
from sandbox.webhooks import Courier, Delivery

GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€\f"
)
STOPS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"})
STARTS = frozenset({"START", "YES", "UNSTOP"})
PRICE = "0.0083"  # a segment
_TOO_MANY = 20429


@dataclass
class Text:
    """One message as Twilio keeps it."""

    sid: str
    to: str
    sender: str
    body: str
    direction: str
    created_at: datetime
    callback: str = ""
    status: str = "queued"
    error_code: int | None = None
    price: str | None = None


@dataclass
class TwilioAccount:
    """Who calls, and the number that texts come from."""

    sid: str
    token: str
    number: str = "+15005550006"
    refused: dict[str, int] = field(default_factory=dict)  # numbers that Twilio refuses at once, with the code


class TwilioStandIn(StandIn):
    """The Messages resource of one account.

    `puts_off` answers that many calls with 429 first. `keeps_words` off is an account that has its messages redacted.
    """

    name = "twilio"

    def __init__(self, *, clock: Clock, account: TwilioAccount) -> None:
        super().__init__(clock=clock, courier=Courier(clock))
        self.account = account
        self.messages: list[Text] = []
        self.stopped: set[str] = set()
        self.inbound_url = ""
        self.puts_off = 0
        self.keeps_words = True
        self._numbers = itertools.count(1)

    def before(self, request: Request, rule: str) -> Response | None:
        """Ask for the account's id and token, and put calls off as told."""
        auth = request.authorization
        if auth is None or (auth.username, auth.password) != (self.account.sid, self.account.token):
            return _refusal(401, 20003, "Authenticate")
        if self.puts_off:
            self.puts_off -= 1
            return _refusal(429, _TOO_MANY, "Too Many Requests")
        return None

    @route("POST", "/2010-04-01/Accounts/<account>/Messages.json")
    def create(self, request: Request, account: str) -> Response:
        """Take one text."""
        to, body = request.form.get("To", ""), request.form.get("Body", "")
        if account != self.account.sid:
            return _refusal(404, 20404, "The requested resource was not found")
        if request.form.get("From") != self.account.number:
            return _refusal(400, 21606, "The 'From' phone number is not a valid message-capable Twilio number")
        if not body:
            return _refusal(400, 21602, "Message body is required.")
        if len(body) > 1_600:
            return _refusal(400, 21617, "The concatenated message body exceeds the 1600 character limit")
        if to in self.stopped:
            return _refusal(400, 21610, "Attempt to send to unsubscribed recipient")
        if code := self.account.refused.get(to):
            return _refusal(400, code, f"The 'To' number {to} is not a valid phone number.")
        text = Text(self._sid(), to, self.account.number, body, "outbound-api", self.clock())
        text.callback = request.form.get("StatusCallback", "")
        self.messages.append(text)
        return json_response(self._shown(text), 201)

    @route("GET", "/2010-04-01/Accounts/<account>/Messages.json")
    def list_messages(self, request: Request, account: str) -> Response:
        """List texts, the newest first, by number."""
        size, page = int(request.args.get("PageSize", 50)), int(request.args.get("Page", 0))
        found = [each for each in reversed(self.messages) if each.to == request.args.get("To", each.to)]
        rest = found[(page + 1) * size :]
        base = f"/2010-04-01/Accounts/{account}/Messages.json"
        more = urlencode({"To": request.args.get("To", ""), "PageSize": size, "Page": page + 1})
        return json_response(
            {
                "messages": [self._shown(each) for each in found[page * size : (page + 1) * size]],
                "page": page,
                "page_size": size,
                "next_page_uri": f"{base}?{more}" if rest else None,
                "uri": base,
            }
        )

    @route("GET", "/2010-04-01/Accounts/<account>/Messages/<sid>.json")
    def fetch(self, request: Request, account: str, sid: str) -> Response:
        """Show one text."""
        found = [each for each in self.messages if each.sid == sid]
        return json_response(self._shown(found[0])) if found else _refusal(404, 20404, "The resource was not found")

    # --- what happens out there

    def settle(self, to: str, status: str, *, error_code: int | None = None) -> list[Delivery]:
        """Let every text to this number that is under way come so far, and tell of it; its price is known from then."""
        told = []
        for text in self.messages:
            if text.to == to and text.direction == "outbound-api" and text.status not in ("delivered", "undelivered"):
                text.status, text.error_code = status, error_code
                text.price = f"-{PRICE}"
                told.append(self._tell(text.callback, self._callback(text)))
        return told

    def answer(self, sender: str, body: str) -> Delivery:
        """Somebody writes to our number; Twilio itself keeps who wants no more."""
        word = body.strip().upper()
        if word in STOPS:
            self.stopped.add(sender)
        elif word in STARTS:
            self.stopped.discard(sender)
        text = Text(self._sid(), self.account.number, sender, body, "inbound", self.clock(), status="received")
        self.messages.append(text)
        fields = {
            "MessageSid": text.sid,
            "SmsSid": text.sid,
            "SmsMessageSid": text.sid,
            "AccountSid": self.account.sid,
            "From": sender,
            "To": self.account.number,
            "Body": body,
            "NumMedia": "0",
            "NumSegments": "1",
            "SmsStatus": "received",
            "ApiVersion": "2010-04-01",
        }
        return self._tell(self.inbound_url, fields)

    def sent_to(self, number: str) -> list[str]:
        """What this telephone received or was to receive."""
        return [each.body for each in self.messages if each.to == number]

    def sign(self, url: str, fields: dict[str, str]) -> str:
        """HMAC-SHA1 of the address and the sorted fields, as Twilio signs."""
        text = url + "".join(name + fields[name] for name in sorted(fields))
        return base64.b64encode(hmac.new(self.account.token.encode(), text.encode(), hashlib.sha1).digest()).decode()

    def _tell(self, url: str, fields: dict[str, str]) -> Delivery:
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "X-Twilio-Signature": self.sign(url, fields),
        }
        ids = (fields["MessageSid"],)
        return self.courier.send(url=url, body=urlencode(fields).encode(), headers=headers, event_ids=ids)

    def _callback(self, text: Text) -> dict[str, str]:
        fields = {
            "MessageSid": text.sid,
            "SmsSid": text.sid,
            "MessageStatus": text.status,
            "SmsStatus": text.status,
            "AccountSid": self.account.sid,
            "From": text.sender,
            "To": text.to,
            "ApiVersion": "2010-04-01",
        }
        return fields | ({"ErrorCode": str(text.error_code)} if text.error_code else {})

    def _sid(self) -> str:
        return f"SM{next(self._numbers):032x}"

    def _shown(self, text: Text) -> dict[str, object]:
        size, room = (len(text.body), 153) if set(text.body) <= GSM else (len(text.body), 67)
        return {
            "sid": text.sid,
            "account_sid": self.account.sid,
            "to": text.to,
            "from": text.sender,
            "body": text.body if self.keeps_words else "",
            "direction": text.direction,
            "status": text.status,
            "error_code": text.error_code,
            "error_message": None,
            "num_segments": str(1 if size <= room + 7 else -(-size // room)),
            "num_media": "0",
            "price": text.price,
            "price_unit": "USD",
            "date_created": format_datetime(text.created_at),
            "date_updated": format_datetime(text.created_at),
            "date_sent": None if text.status == "queued" else format_datetime(text.created_at),
            "messaging_service_sid": None,
            "api_version": "2010-04-01",
            "uri": f"/2010-04-01/Accounts/{self.account.sid}/Messages/{text.sid}.json",
            "subresource_uris": {},
        }


def _refusal(status: int, code: int, message: str) -> Response:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return json_response({"code": code, "message": message, "more_info": more, "status": status}, status)
