"""Twilio and Lob for a person who tries the channels: texts arrive a moment after they were sent, letters are shown."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from datetime import datetime
from types import TracebackType

from sandbox.lob import LobStandIn
from sandbox.server import Served, serve
from sandbox.twilio import TwilioAccount, TwilioStandIn

PORTS = 2
_ARRIVES_AFTER_SECONDS = 1.0


class Carriers:
    """The two carriers on neighbouring ports (port 0: free ones). Their secrets are drawn at start.

    `hear` is told of each text and letter in a line.
    """

    def __init__(self, *, clock: Callable[[], datetime], port: int = 0, hear: Callable[[str], None]) -> None:
        account = TwilioAccount(f"AC{secrets.token_hex(16)}", secrets.token_urlsafe(24))
        self.twilio = TwilioStandIn(clock=clock, account=account)
        self.lob = LobStandIn(clock=clock, api_key=f"test_{secrets.token_hex(16)}")
        self._port = port
        self._hear = hear
        self._served: list[Served] = []
        self._ends = threading.Event()
        self._post = threading.Thread(target=self._carry, name="sandbox-carriers", daemon=True)

    def __enter__(self) -> Carriers:
        for number, standin in enumerate((self.twilio, self.lob)):
            self._served.append(serve(standin, port=self._port + number if self._port else 0))
        self.twilio.courier.start()
        self._post.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.set()
        self._post.join(timeout=10)
        self.twilio.courier.stop()
        for served in self._served:
            served.stop()

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point the product at these carriers."""
        twilio, lob = self._served
        return {
            "TRUEDUE_TWILIO_API_URL": twilio.url,
            "TRUEDUE_TWILIO_ACCOUNT_SID": self.twilio.account.sid,
            "TRUEDUE_TWILIO_AUTH_TOKEN": self.twilio.account.token,
            "TRUEDUE_TWILIO_FROM_NUMBER": self.twilio.account.number,
            "TRUEDUE_LOB_API_URL": lob.url,
            "TRUEDUE_LOB_API_KEY": self.lob.api_key,
        }

    def _carry(self) -> None:
        texts = letters = 0
        while not self._ends.wait(_ARRIVES_AFTER_SECONDS):
            with self.twilio.lock:
                new = self.twilio.messages[texts:]
                texts += len(new)
                for number in dict.fromkeys(text.to for text in new):
                    self.twilio.settle(number, "delivered")
            for text in new:
                self._hear(f"text to {text.to}: {text.body}")
            with self.lob.lock:
                posted = self.lob.letters[letters:]
                letters += len(posted)
            for letter in posted:
                to = ", ".join(letter.to.values())
                self._hear(f"letter {letter.id} to {to} ({len(letter.pdf)} bytes)")
