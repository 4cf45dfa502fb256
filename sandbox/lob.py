"""A stand-in of Lob's letters: taken once a key, found by metadata, carried by the post or sent back.

Written from Lob's OpenAPI description. It holds each PDF to 8.5 × 11 inches, as Lob does.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from werkzeug.wrappers import Request, Response

from sandbox.standin import Clock, StandIn, json_response, route
from sandbox.webhooks import Courier

KEYS_LAST = timedelta(hours=24)
_SHEET = re.compile(rb"/MediaBox \[ 0 0 612 792 \]")
_US = ("address_line1", "address_city", "address_state", "address_zip")


@dataclass
class PostedLetter:
    """One letter as Lob keeps it."""

    id: str
    key: str
    to: dict[str, str]
    sender: dict[str, str]
    pdf: bytes
    metadata: dict[str, str]
    created_at: datetime
    status: str = "processed"
    events: list[str] = field(default_factory=list)


class LobStandIn(StandIn):
    """The letters of one account. `puts_off` answers that many calls with 429 first."""

    name = "lob"

    def __init__(self, *, clock: Clock, api_key: str) -> None:
        super().__init__(clock=clock, courier=Courier(clock))
        self.api_key = api_key
        self.letters: list[PostedLetter] = []
        self.undeliverable: set[str] = set()  # post codes
        self.puts_off = 0
        self._numbers = itertools.count(1)

    def before(self, request: Request, rule: str) -> Response | None:
        """Ask for the key as user name, and put calls off as told."""
        auth = request.authorization
        if auth is None or auth.username != self.api_key or auth.password:
            return _refusal(401, "invalid_api_key", "Your API key is not valid.")
        if self.puts_off:
            self.puts_off -= 1
            refused = _refusal(429, "rate_limit_exceeded", "Rate limit exceeded. Please wait 5 seconds and try again.")
            refused.headers["X-Rate-Limit-Reset"] = str(int(self.clock().timestamp()) + 5)
            return refused
        return None

    @route("POST", "/v1/letters")
    def create(self, request: Request) -> Response:
        """Take one letter; the same key within a day gives the same letter."""
        key = request.headers.get("Idempotency-Key", "")
        for known in self.letters:
            if key and known.key == key and self.clock() - known.created_at < KEYS_LAST:
                return json_response(self._shown(known))
        to, sender, file = _nested(request, "to"), _nested(request, "from"), request.files.get("file")
        for name in ("color", "use_type"):
            if name not in request.form:
                return _refusal(422, "invalid", f"{name} is required")
        for who, address in (("to", to), ("from", sender)):
            wanted = _US if address.get("address_country", "US") == "US" else ("address_line1", "address_country")
            missing = [part for part in wanted if not address.get(part)]
            if missing or not address.get("name"):
                return _refusal(422, "invalid_address", f"{who}.{(missing or ['name'])[0]} is required")
            if len(address["name"]) > 40:
                return _refusal(422, "invalid_address", f"{who}.name must be no longer than 40 characters")
        if to.get("address_zip") in self.undeliverable:
            return _refusal(422, "failed_deliverability_strictness", "The address could not be verified.")
        pdf = file.read() if file is not None else b""
        if not pdf.startswith(b"%PDF-") or not _SHEET.search(pdf):
            return _refusal(422, "invalid_file_dimensions", 'file must be 8.5"x11"')
        metadata = _nested(request, "metadata")
        letter = PostedLetter(f"ltr_{next(self._numbers):016x}", key, to, sender, pdf, metadata, self.clock())
        self.letters.append(letter)
        return json_response(self._shown(letter))

    @route("GET", "/v1/letters")
    def list_letters(self, request: Request) -> Response:
        """List letters by metadata, the newest first."""
        wanted = {
            name.removeprefix("metadata[").removesuffix("]"): value
            for name, value in request.args.items()
            if name.startswith("metadata[")
        }
        found = [each for each in reversed(self.letters) if wanted.items() <= each.metadata.items()]
        shown = [self._shown(each) for each in found[: int(request.args.get("limit", 10))]]
        return json_response({"data": shown, "object": "list", "count": len(shown)})

    @route("GET", "/v1/letters/<letter_id>")
    def fetch(self, request: Request, letter_id: str) -> Response:
        """Show one letter."""
        found = [each for each in self.letters if each.id == letter_id]
        return json_response(self._shown(found[0])) if found else _refusal(404, "not_found", "letter not found")

    def _shown(self, letter: PostedLetter) -> dict[str, object]:
        return {
            "id": letter.id,
            "object": "letter",
            "to": letter.to,
            "from": letter.sender,
            "carrier": "USPS",
            "status": letter.status,
            "failure_reason": None,
            "metadata": letter.metadata,
            "use_type": "operational",
            "tracking_events": [{"id": f"evnt_{at}", "name": name} for at, name in enumerate(letter.events)],
            "expected_delivery_date": (letter.created_at + timedelta(days=5)).date().isoformat(),
            "date_created": letter.created_at.isoformat(),
        }


def _nested(request: Request, name: str) -> dict[str, str]:
    return {
        key.removeprefix(f"{name}[").removesuffix("]"): value
        for key, value in request.form.items()
        if key.startswith(f"{name}[")
    }


def _refusal(status: int, code: str, message: str) -> Response:
    return json_response({"error": {"message": message, "status_code": status, "code": code}}, status)
