"""The road of calls from the product to the vendors and back, with what goes wrong on it."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import parse_qsl, unquote_plus

from runtime.simulation.crashes import Crash
from runtime.simulation.damage import done_in_part, is_later_page, without_news
from runtime.simulation.faults import DEATHS, Faults
from runtime.simulation.virtual import VirtualTime
from runtime.simulation.wire import Answered, Sent, ask
from sandbox.estate import Estate
from sandbox.standin import StandIn

T = TypeVar("T")
MAX_REMEMBERED = 500  # answers kept for stale replicas
MAX_NESTED = 1  # what happens during a call makes calls of its own, and nothing happens during those
_TOKEN_PATHS = ("/connect/token", "/oauth2/v1/tokens", "/services/oauth2", "/v1/oauth", "/oauth/token", "/identity")
# What is in a request that shows what is owed. The ledger shows it by the invoices that it is asked for; of the others
# only a list of what changed does: a single object says nothing about the rest.
INSTRUCTIONS = "instructions"  # of the CRM's users to the product: a list of their own
_EVIDENCE = {
    "xero": {"xero": re.compile(r"/Invoices")},
    "quickbooks": {"quickbooks": re.compile(r"invoice", re.IGNORECASE)},
    "salesforce": {
        "salesforce": re.compile(r"FROM TrueDue_Invoice__c WHERE SystemModstamp"),
        INSTRUCTIONS: re.compile(r"FROM TrueDue_Instruction__c WHERE SystemModstamp"),
    },
    "stripe": {"stripe": re.compile(r"/v1/payment_intents\?|/v1/events\?.*payment_intent")},
}
_REFUSED = 400
_MAX_INSISTING = 8  # more than what is under way already when the first refusal is heard
_TELL_NO_END = ("salesforce",)  # its tokens end when an administrator's policy says so: the product has to guess
_STILL_GOOD = timedelta(minutes=10)  # above the product's margin and what its clock may be off
_PATIENCE_SECONDS = 30.0  # of a client that names none
_RETRY_AFTER_SECONDS = 3
_LAG_SECONDS = 90.0
_BEHIND = timedelta(minutes=10)  # that a replica may be
_KEY_EXPIRED_MINUTES = (7.0, 30.0)  # above the six for which Xero knows an idempotency key
MEANWHILE = ("meanwhile_life", "meanwhile_webhook", "meanwhile_worker", "meanwhile_poll", "meanwhile_sender")
_TICK = timedelta(microseconds=1)
_INVOICE_ID = {
    "xero": re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "quickbooks": re.compile(r'"Id": ?"(\d+)"'),
}
_BY_ID = {
    "xero": re.compile(r"/Invoices(?:/|\?.*\bIDs=)([0-9a-f,-]{36,})"),
    "quickbooks": re.compile(r"FROM Invoice WHERE Id IN \(([^)]*)\)", re.IGNORECASE),
}
_PAYMENTS = re.compile(r"/Payments\b|\bFROM Payment\b|entities=[^& ]*Payment", re.IGNORECASE)
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_OBJECT_READ = re.compile(r"/(Invoices|Contacts|Payments|CreditNotes)\b.*(IDs|/[0-9a-f-]{36})|/v1/\w+/[a-z]{2}_")


@dataclass
class Calls:
    """Carries the product's calls.

    `meanwhile` lets something of its kind happen during one, on its way there or back; `edit` lets a person change
    one of these invoices the moment before what the product writes about them arrives, `overtake` after an answer
    about them was given (or delete one of these payments), and lets the product hear of it before that answer.
    """

    time: VirtualTime
    faults: Faults
    estate: Estate
    meanwhile: Callable[[str], None]
    edit: Callable[[frozenset[str]], None]
    overtake: Callable[[frozenset[str], bool], bool]
    read_at: dict[tuple[str, str], datetime] = field(default_factory=dict)  # what lists show, by system and account
    looked_at: dict[tuple[str, str, str], datetime] = field(default_factory=dict)  # single invoices of a ledger
    misled_at: dict[tuple[str, str], datetime] = field(default_factory=dict)  # when a replica answered that was behind
    crossed: list[str] = field(default_factory=list)  # calls for another account than their token's
    insisted: list[str] = field(default_factory=list)  # calls with a consent that was refused for good before
    needless: list[str] = field(default_factory=list)  # refreshes of a token that was good for a while
    impatient: list[str] = field(default_factory=list)  # calls of an account that was told to wait
    told_to_wait: dict[tuple[str, str], tuple[datetime, int]] = field(default_factory=dict)  # until when; deaths before
    waits: int = 0
    refreshes: int = 0
    _refused: Counter[str] = field(default_factory=Counter)  # by the token of a consent that its owner ended
    _answers: dict[tuple[str, str, str], tuple[datetime, Answered]] = field(default_factory=dict)
    _depth: int = 0

    def carry(self, sent: Sent, answer: Callable[[], Answered]) -> Answered:
        """Carry one request to its vendor and the answer back; raises what a socket raises."""
        rng, strikes = self.faults.draw(), self.faults.strikes
        self.time.advance(timedelta(milliseconds=rng.randint(20, 250)))
        if sent.path.startswith(_TOKEN_PATHS):
            return self._carry_token(sent, answer)
        self._watch(sent)
        begun = self.time.now()
        self._let_happen()
        self._give_up(sent, begun)
        if strikes("cut_before_effect"):
            raise ConnectionResetError("the connection was reset")
        if (refused := self._refusal(sent)) is not None:
            return refused
        self._edit_first(sent)
        answered = self._read(sent, answer) if _only_reads(sent) else self._write(sent, answer)
        read_at = self.time.now()
        if _only_reads(sent) and self._depth == 0 and strikes("equal_stamps"):
            self._nested("meanwhile_life")  # stamped with the very moment of the reading, and not in it
        self.time.advance(_TICK)  # what happens next is later than what was read
        self._let_happen()
        self._overtake(sent, answered)
        self._give_up(sent, begun)
        if strikes("slow_answer"):
            self.time.advance(timedelta(seconds=_patience(sent)))
            raise TimeoutError("timed out")
        if strikes("crash_after_call"):
            raise Crash
        self._note_reading(sent, answered, read_at)
        return answered

    def _read(self, sent: Sent, answer: Callable[[], Answered]) -> Answered:
        since = next((value for name, value in sent.headers.items() if name.lower() == "if-modified-since"), "")
        asked = f"{sent.path}?{sent.query} {since} {hashlib.sha256(sent.body).hexdigest()}"
        key = (sent.system, _books_of(self.estate, sent), asked)  # the same words ask each organisation for its own
        old = self._stale(sent, key)
        if old is not None:
            return old
        if is_later_page(sent) and self._depth == 0 and self.faults.strikes("pages_shift"):
            self._nested("meanwhile_life")
        answered = answer()
        if answered.status < _REFUSED:
            self._remember(key, answered)
            answered = self._lagging(sent, answered)
        return answered

    def _lagging(self, sent: Sent, answered: Answered) -> Answered:
        """Let a list lag behind what was written lately; whoever reads it is misled."""
        since = self.time.now() - timedelta(seconds=self.faults.draw().uniform(5, _LAG_SECONDS))
        if not self.faults.may_strike("listing_lags"):
            return answered
        lagging = without_news(sent.system, answered, since)
        if lagging is None:
            return answered
        self.faults.struck("listing_lags")
        self.misled_at[sent.system, _books_of(self.estate, sent)] = self.time.now()
        return lagging

    def _note_reading(self, sent: Sent, answered: Answered, read_at: datetime) -> None:
        """Note when the product saw what is owed; what a replica showed is older than that."""
        if not _only_reads(sent) or answered.status >= _REFUSED:
            return
        account = _books_of(self.estate, sent)
        if self.misled_at.get((sent.system, account)) == read_at:
            return
        if named := named_in(sent):
            self.looked_at |= dict.fromkeys(((sent.system, account, each) for each in named), read_at)
        else:
            self.read_at |= dict.fromkeys(((name, account) for name in _shown_by(sent)), read_at)

    def _write(self, sent: Sent, answer: Callable[[], Answered]) -> Answered:
        if self.faults.may_strike("batch_in_part"):
            in_part = done_in_part(sent, self.faults.draw(), lambda part: ask(self._standin(part), part))
            if in_part is not None:
                self.faults.struck("batch_in_part")
                return in_part
        answered = answer()
        if _has_short_key(sent) and self.faults.strikes("key_expired"):
            self.time.advance(timedelta(minutes=self.faults.draw().uniform(*_KEY_EXPIRED_MINUTES)))
            raise ConnectionResetError("the connection was reset")
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
        until, deaths = self.told_to_wait.get((sent.system, named), (self.time.now(), 0))
        if self.time.now() < until and deaths == self._deaths():  # else it may have died before it noted it
            self.impatient.append(f"{sent.system}: {named} was asked for {sent.path} before the time that it had told")
        for grant in standin.oauth.grants.values():
            if grant.access_token == token:
                if named and named not in grant.accounts:
                    self.crossed.append(f"{sent.system}: {named} was asked for with another account's token")
                if grant.revoked:
                    self._insist(sent, token)

    def _insist(self, sent: Sent, token: str) -> None:
        self._refused[token] += 1
        if self._refused[token] == _MAX_INSISTING:
            self.insisted.append(f"{sent.system}: asked {_MAX_INSISTING} times with a consent that was ended")

    def _watch_refresh(self, sent: Sent) -> None:
        if sent.system in _TELL_NO_END:
            return
        fields = dict(parse_qsl(sent.body.decode()))
        for grant in self._standin(sent).oauth.grants.values():
            if fields.get("refresh_token") == grant.refresh_token and grant.revoked:
                self._insist(sent, grant.refresh_token)
            elif fields.get("refresh_token") == grant.refresh_token:
                self.refreshes += 1
                if grant.access_expires_at - self.time.now() > _STILL_GOOD:
                    self.needless.append(
                        f"{sent.system}: a token was refreshed that was good until {grant.access_expires_at}"
                    )

    def _standin(self, sent: Sent) -> StandIn:
        return next(each for each in self.estate.standins if each.name == sent.system)

    def _overtake(self, sent: Sent, answered: Answered) -> None:
        """Let something that was just read change, or be deleted, and the product read that first."""
        if self._depth >= MAX_NESTED or sent.system not in _INVOICE_ID or not _only_reads(sent):
            return
        shown = frozenset(_INVOICE_ID[sent.system].findall(answered.body.decode()))
        if shown and self.faults.strikes("overtaken"):
            self._deeper(lambda: self.overtake(shown, False))
        tells_payments = _PAYMENTS.search(unquote_plus(f"{sent.path}?{sent.query} {sent.body.decode()}")) is not None
        may_be_deleted = bool(shown) and tells_payments and self.faults.may_strike("deleted_meanwhile")
        if may_be_deleted and self._deeper(lambda: self.overtake(shown, True)):
            self.faults.struck("deleted_meanwhile")

    def _let_happen(self) -> None:
        if self._depth >= MAX_NESTED:
            return
        for kind in MEANWHILE:
            if self.faults.strikes(kind):
                self._nested(kind)

    def _give_up(self, sent: Sent, begun: datetime) -> None:
        """End a call during which so much happened that its client waits no more: it does not arrive any later."""
        if self.time.now() - begun > timedelta(seconds=_patience(sent)):
            raise TimeoutError("timed out")

    def _nested(self, kind: str) -> None:
        self._deeper(lambda: self.meanwhile(kind))

    def _deeper(self, happening: Callable[[], T]) -> T:
        self._depth += 1
        try:
            return happening()
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
            if account := _books_of(self.estate, sent):  # a list of accounts is of none: limits are each account's
                self.told_to_wait[sent.system, account] = (until, self._deaths())
            return _plain(429, "too many requests", ("Retry-After", str(_RETRY_AFTER_SECONDS)))
        if strikes("throttled_unsaid"):
            return _plain(429, "too many requests")
        return None

    def _deaths(self) -> int:
        return sum(self.faults.fired[name] for name in DEATHS)

    def _stale(self, sent: Sent, key: tuple[str, str, str]) -> Answered | None:
        answered_at, old = self._answers.get(key, (self.time.now(), None))
        if old is not None and self.time.now() - answered_at < _BEHIND and self.faults.strikes("stale_read"):
            return old
        if _OBJECT_READ.search(f"{sent.path}?{sent.query}") and self.faults.strikes("read_not_found"):
            return _plain(404, "not found")
        return None

    def _remember(self, key: tuple[str, str, str], answered: Answered) -> None:
        if len(self._answers) >= MAX_REMEMBERED:
            self._answers.pop(next(iter(self._answers)))
        self._answers[key] = (self.time.now(), answered)


def _patience(sent: Sent) -> float:
    return sent.patience or _PATIENCE_SECONDS


def _has_short_key(sent: Sent) -> bool:
    """Whether a write bears a key under which it is repeated without a second effect, and which is forgotten soon."""
    return sent.system == "xero" and any(name.lower() == "idempotency-key" for name in sent.headers)


def _shown_by(sent: Sent) -> list[str]:
    """What a read shows of what is owed: other lists of the same books say nothing about it."""
    asked = unquote_plus(f"{sent.path}?{sent.query} {sent.body.decode()}")
    return [name for name, pattern in _EVIDENCE[sent.system].items() if pattern.search(asked) is not None]


def named_in(sent: Sent) -> list[str]:
    """The invoices that a read of a ledger asks for by their ids: of the others it says nothing."""
    by_id = _BY_ID.get(sent.system)
    asked = unquote_plus(f"{sent.path}?{sent.query} {sent.body.decode()}")
    named = by_id.search(asked) if by_id is not None else None
    return re.findall(r"[\w-]+", named[1]) if named is not None else []


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
