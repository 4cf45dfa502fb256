"""The roads between the product and the vendors, with what goes wrong on them."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, unquote_plus

from runtime.simulation.crashes import Crash
from runtime.simulation.faults import STORE, Faults
from runtime.simulation.virtual import Agenda, VirtualTime
from runtime.simulation.wire import Answered, Sent
from sandbox.estate import Estate
from sandbox.standin import StandIn
from sandbox.webhooks import Delivery

MAX_REMEMBERED = 500  # answers kept for stale replicas, and bodies kept for replays
MAX_NESTED = 1  # what happens during a call makes calls of its own, and nothing happens during those
FORGED_MARK = "forged"
BURST = 40
MAX_ATTEMPTS = 8  # of a vendor to deliver one webhook
_TAKEN = 200
_TOKEN_PATHS = ("/connect/token", "/oauth2/v1/tokens", "/services/oauth2", "/v1/oauth", "/oauth/token", "/identity")
_EVIDENCE = {
    "xero": "/invoices",
    "quickbooks": "invoice",
    "salesforce": "truedue_invoice__c",
    "stripe": "payment_intent",
}
_REFUSED = 400
_MAX_INSISTING = 12  # more than one round of reading and writing makes before it gives up
_TELL_NO_END = ("salesforce",)  # its tokens end when an administrator's policy says so: the product has to guess
_STILL_GOOD = timedelta(minutes=10)  # above the product's margin and what its clock may be off
_PATIENCE_SECONDS = 30.0  # of a client that names none
_RETRY_AFTER_SECONDS = 3
_TICK = timedelta(microseconds=1)
_INVOICE_ID = {
    "xero": re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "quickbooks": re.compile(r'"Id": ?"(\d+)"'),
}
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_OBJECT_READ = re.compile(r"/(Invoices|Contacts|Payments|CreditNotes)\b.*(IDs|/[0-9a-f-]{36})|/v1/\w+/[a-z]{2}_")
HandIn = Callable[[str, dict[str, str], bytes], int]  # gives the status of the answer


@dataclass
class Calls:
    """Carries the product's calls.

    `meanwhile` lets something of its kind happen during one, on its way there or back; `edit` lets a person change
    one of these invoices the moment before what the product writes about them arrives.
    """

    time: VirtualTime
    faults: Faults
    estate: Estate
    meanwhile: Callable[[str], None]
    edit: Callable[[frozenset[str]], None]
    read_at: dict[tuple[str, str], datetime] = field(default_factory=dict)
    misled_at: dict[tuple[str, str], datetime] = field(default_factory=dict)  # when a replica answered that was behind
    crossed: list[str] = field(default_factory=list)  # calls for another account than their token's
    insisted: list[str] = field(default_factory=list)  # calls with a consent that was refused for good before
    needless: list[str] = field(default_factory=list)  # refreshes of a token that was good for a while
    impatient: list[str] = field(default_factory=list)  # calls of an account that was told to wait
    told_to_wait: dict[tuple[str, str], tuple[datetime, int]] = field(default_factory=dict)  # until when; store faults
    waits: int = 0
    refreshes: int = 0
    _refused: Counter[str] = field(default_factory=Counter)  # by the token of a consent that its owner ended
    _answers: dict[tuple[str, str, str], Answered] = field(default_factory=dict)
    _depth: int = 0

    def carry(self, sent: Sent, answer: Callable[[], Answered]) -> Answered:
        """Carry one request to its vendor and the answer back; raises what a socket raises."""
        rng, strikes = self.faults.draw(), self.faults.strikes
        self.time.advance(timedelta(milliseconds=rng.randint(20, 250)))
        if sent.path.startswith(_TOKEN_PATHS):
            return self._carry_token(sent, answer)
        self._watch(sent)
        self._let_happen()
        if strikes("cut_before_effect"):
            raise ConnectionResetError("the connection was reset")
        if (refused := self._refusal(sent)) is not None:
            return refused
        self._edit_first(sent)
        answered = self._read(sent, answer) if _only_reads(sent) else self._write(answer)
        read_at = self.time.now()
        self.time.advance(_TICK)  # what happens next is later than what was read
        self._let_happen()
        if strikes("slow_answer"):
            self.time.advance(timedelta(seconds=sent.patience or _PATIENCE_SECONDS))
            raise TimeoutError("timed out")
        if strikes("crash_after_call"):
            raise Crash
        self._note_reading(sent, answered, read_at)
        return answered

    def _read(self, sent: Sent, answer: Callable[[], Answered]) -> Answered:
        key = (sent.system, sent.path, sent.query + hashlib.sha256(sent.body).hexdigest())
        old = self._stale(sent, key)
        if old is not None:
            return old
        answered = answer()
        if answered.status < _REFUSED:
            self._remember(key, answered)
        return answered

    def _note_reading(self, sent: Sent, answered: Answered, read_at: datetime) -> None:
        """Note when the product saw what is owed; what a replica showed is older than that."""
        if not _only_reads(sent) or answered.status >= _REFUSED or not _shows_debts(sent):
            return
        books = (sent.system, _books_of(self.estate, sent))
        if self.misled_at.get(books) != read_at:
            self.read_at[books] = read_at

    def _write(self, answer: Callable[[], Answered]) -> Answered:
        answered = answer()
        if self.faults.strikes("answer_cut_after_write"):
            raise ConnectionResetError("the connection was reset")
        if self.faults.strikes("answer_lost"):
            return _plain(502, "bad gateway")
        return answered

    def _edit_first(self, sent: Sent) -> None:
        """Let a person be faster, where the vendor can tell that the write rests on what is no longer there.

        Xero cannot: there the reading that precedes a write is overtaken, not the write.
        """
        looks = sent.system == "xero" and sent.method == "GET" and "IDs=" in sent.query
        writes = sent.system == "quickbooks" and not _only_reads(sent)
        if not (looks or writes):
            return
        named = frozenset(_INVOICE_ID[sent.system].findall(f"{unquote_plus(sent.query)} {sent.body.decode()}"))
        if named and self._depth == 0 and self.faults.strikes("edited_first"):
            self.edit(named)

    def _carry_token(self, sent: Sent, answer: Callable[[], Answered]) -> Answered:
        self._watch_refresh(sent)
        answered = answer()
        if b"refresh_token" in sent.body and self.faults.strikes("token_answer_lost"):
            raise ConnectionResetError("the connection was reset")
        return answered

    def _watch(self, sent: Sent) -> None:
        """Note calls that no product should make."""
        named, standin = _books_of(self.estate, sent), self._standin(sent)
        token = _token_of(sent)
        until, store_faults = self.told_to_wait.get((sent.system, named), (self.time.now(), 0))
        if self.time.now() < until and store_faults == self._store_faults():  # else it may have failed to note it
            self.impatient.append(f"{sent.system}: {named} was asked before the time that it had told to wait for")
        for grant in standin.oauth.grants.values():
            if grant.access_token == token:
                if named and named not in grant.accounts:
                    self.crossed.append(f"{sent.system}: {named} was asked for with another account's token")
                if grant.revoked:
                    self._refused[token] += 1
                    if self._refused[token] == _MAX_INSISTING:
                        self.insisted.append(
                            f"{sent.system}: asked {_MAX_INSISTING} times with a consent that was ended"
                        )

    def _watch_refresh(self, sent: Sent) -> None:
        if sent.system in _TELL_NO_END:
            return
        fields = dict(parse_qsl(sent.body.decode()))
        for grant in self._standin(sent).oauth.grants.values():
            if fields.get("refresh_token") == grant.refresh_token and not grant.revoked:
                self.refreshes += 1
                if grant.access_expires_at - self.time.now() > _STILL_GOOD:
                    self.needless.append(
                        f"{sent.system}: a token was refreshed that was good until {grant.access_expires_at}"
                    )

    def _standin(self, sent: Sent) -> StandIn:
        return next(each for each in self.estate.standins if each.name == sent.system)

    def _let_happen(self) -> None:
        if self._depth >= MAX_NESTED:
            return
        self._depth += 1
        try:
            for kind in ("meanwhile_life", "meanwhile_webhook", "meanwhile_worker"):
                if self.faults.strikes(kind):
                    self.meanwhile(kind)
        finally:
            self._depth -= 1

    def _refusal(self, sent: Sent) -> Answered | None:
        strikes = self.faults.strikes
        if strikes("server_error"):
            return _plain(503, "the server is not well")
        if strikes("forbidden"):
            return _plain(403, "forbidden")
        if strikes("throttled"):
            self.waits += 1
            until = self.time.now() + timedelta(seconds=_RETRY_AFTER_SECONDS)
            self.told_to_wait[sent.system, _books_of(self.estate, sent)] = (until, self._store_faults())
            return _plain(429, "too many requests", ("Retry-After", str(_RETRY_AFTER_SECONDS)))
        if strikes("throttled_unsaid"):
            return _plain(429, "too many requests")
        return None

    def _store_faults(self) -> int:
        return sum(self.faults.fired[name] for name in STORE)

    def _stale(self, sent: Sent, key: tuple[str, str, str]) -> Answered | None:
        if key in self._answers and self.faults.strikes("stale_read"):
            return self._answers[key]
        if _OBJECT_READ.search(f"{sent.path}?{sent.query}") and self.faults.strikes("read_not_found"):
            return _plain(404, "not found")
        return None

    def _remember(self, key: tuple[str, str, str], answered: Answered) -> None:
        if len(self._answers) >= MAX_REMEMBERED:
            self._answers.pop(next(iter(self._answers)))
        self._answers[key] = answered


@dataclass
class Post:
    """Carries webhooks from the stand-ins to the product."""

    agenda: Agenda
    faults: Faults
    estate: Estate
    hand_in: HandIn
    forged_taken: int = 0
    taken: list[tuple[str, bytes]] = field(default_factory=list)  # answered with success since they were last looked up
    _delivered: deque[tuple[str, dict[str, str], bytes]] = field(default_factory=lambda: deque(maxlen=MAX_REMEMBERED))

    def collect(self) -> int:
        """Send what lies ready at the vendors on its way. Returns how many."""
        count = 0
        for standin in self.estate.standins:
            pending = standin.courier.pending
            while not pending.empty():
                delivery = pending.get_nowait()
                if delivery is not None:
                    self._send(standin, delivery)
                    count += 1
        return count

    def _send(self, standin: StandIn, delivery: Delivery) -> None:
        rng, strikes = self.faults.draw(), self.faults.strikes
        if strikes("webhook_drop"):
            return
        wait = timedelta(seconds=rng.uniform(0.2, 8.0))
        if strikes("webhook_delay_days"):
            wait = timedelta(hours=rng.uniform(1, 72))
        elif strikes("webhook_delay"):
            wait = timedelta(minutes=rng.uniform(1, 50))
        self._later(standin, delivery, wait)
        if strikes("webhook_duplicate"):
            self._later(standin, delivery, wait + timedelta(seconds=rng.uniform(0, 90)))

    def _later(self, standin: StandIn, delivery: Delivery, wait: timedelta) -> None:
        self.agenda.later(wait, f"webhook of {standin.name}", lambda: self._arrive(standin, delivery))

    def _arrive(self, standin: StandIn, delivery: Delivery) -> str:
        system = standin.name
        rng, strikes = self.faults.draw(), self.faults.strikes
        headers, body = delivery.headers | (delivery.sign() if delivery.sign else {}), delivery.body
        if strikes("webhook_forged"):
            mark = hashlib.sha256(body).hexdigest()[:12]
            self._forge(system, headers, body.replace(b'"', f'"{FORGED_MARK}{mark}'.encode(), 1) + b" ")
        if strikes("webhook_wrong_tenant"):
            others = [each for each in ("xero", "quickbooks", "stripe") if each != system]
            self._forge(rng.choice(others), headers, body)
        if strikes("webhook_truncated"):
            self._forge(system, headers, body[: len(body) // 2])
        if strikes("webhook_unknown"):
            self._forge(system, headers, json.dumps({"what": rng.random()}).encode())
        if strikes("webhook_replay") and self._delivered:
            self._hand_in(*rng.choice(self._delivered))
        for _ in range(BURST if strikes("webhook_burst") else 0):
            self._hand_in(system, headers, body)
        self._delivered.append((system, headers, body))
        delivery.attempts += 1
        if not self._hand_in(system, headers, body) and delivery.attempts < MAX_ATTEMPTS:
            self._later(standin, delivery, timedelta(minutes=rng.uniform(1, 60)))  # as vendors try again
        return f"webhook of {system}"

    def _hand_in(self, system: str, headers: dict[str, str], body: bytes) -> bool:
        is_taken = self.hand_in(system, headers, body) == _TAKEN
        if is_taken:
            self.taken.append((system, body))
        return is_taken

    def _forge(self, system: str, headers: dict[str, str], body: bytes) -> None:
        """Post a body under a signature that was made for another."""
        self.forged_taken += self.hand_in(system, headers, body) == _TAKEN


def _shows_debts(sent: Sent) -> bool:
    """Whether a read shows what is owed: other lists of the same books say nothing about it."""
    return _EVIDENCE[sent.system] in unquote_plus(f"{sent.path}?{sent.query} {sent.body.decode()}").lower()


def _only_reads(sent: Sent) -> bool:
    """Whether a call changes nothing. QuickBooks posts its queries; a batch is taken for a write, as it may be one."""
    return sent.method not in _WRITES or sent.path.endswith("/query")


def _token_of(sent: Sent) -> str:
    for name, value in sent.headers.items():
        if name.lower() == "authorization":
            return value.removeprefix("Bearer ")
    return ""


def _books_of(estate: Estate, sent: Sent) -> str:
    """Whose books a call is about: a header or the path names them, or the token does."""
    headers = {name.lower(): value for name, value in sent.headers.items()}
    if sent.system == "xero":
        return headers.get("xero-tenant-id", "")
    if sent.system == "quickbooks":
        found = re.search(r"/v3/company/(\w+)", sent.path)
        return found.group(1) if found else ""
    standin = next(each for each in estate.standins if each.name == sent.system)
    grant = standin.oauth.grant_of(_token_of(sent))
    return grant.accounts[0] if grant is not None else ""


def _plain(status: int, text: str, *headers: tuple[str, str]) -> Answered:
    return Answered(status, (("Content-Type", "text/plain"), *headers), f"{text}\n".encode())
