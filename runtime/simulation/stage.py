"""The stage of one seed: firms that live on their own, the stand-ins they use, and the product, on virtual time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from contextvars import Context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import MappingProxyType
from urllib.parse import parse_qsl, urlencode, urlsplit

from sqlalchemy.exc import SQLAlchemyError

from connectors.contract import Role
from connectors.records import Kind
from runtime.app import App, build
from runtime.demo import people
from runtime.demo.stage import settings_for, visitor
from runtime.operations.inbox.take_webhook import BadSignatureError, take_webhook
from runtime.operations.organisations import create_organisation, switch_sending
from runtime.operations.payers.pay_by_card import switch_card_payments
from runtime.operations.reminding.remind import remind_everybody
from runtime.operations.systems.connect import begin_connect, finish_connect
from runtime.operations.work import poll, work
from runtime.settings import Settings
from runtime.simulation.crashes import MortalStore
from runtime.simulation.faults import Faults
from runtime.simulation.knowledge import Knowledge, Lapses
from runtime.simulation.post import Post
from runtime.simulation.road import Calls
from runtime.simulation.scale import small_answers
from runtime.simulation.virtual import Agenda, VirtualTime, seeded_secrets
from runtime.simulation.watch import LogListener
from runtime.simulation.wire import Wire
from runtime.store import connections
from runtime.store.engine import Store
from runtime.store.migrate import empty_sqlite
from runtime.vendors import Pace
from sandbox.capture import CapturedMail, CaptureServer, Fate
from sandbox.estate import Estate
from sandbox.life import Firm, Hands, Judge, Life, Takings
from sandbox.life.firm import MAX_OPEN, found_firms
from sandbox.life.mandates import took
from sandbox.stripe.objects import Object
from sandbox.world import DEMO_START

PUBLIC_URL = "http://127.0.0.1:8000"  # nobody listens there: webhooks are carried by hand
CONSENT_TIMEOUT_SECONDS = 10.0
_MEMORY = Path("/dev/shm")  # noqa: S108 - a disk in memory, where there is one: its folder is drawn and private
OPENING_SALES = 80
_WAKES_AFTER_SECONDS = (0.05, 3.0)  # a worker may have others to serve
MAX_TOLD = 200_000
# Ordinary days, and days shortly before clocks change in Denver or London, months end, and a year does.
STARTS = (
    DEMO_START,
    DEMO_START + timedelta(days=41),
    datetime(2027, 2, 24, 15, tzinfo=UTC),
    datetime(2027, 3, 11, 15, tzinfo=UTC),
    datetime(2027, 3, 25, 15, tzinfo=UTC),
    datetime(2027, 5, 18, 14, tzinfo=UTC),
    datetime(2027, 10, 28, 14, tzinfo=UTC),
)
ABROAD = "sell abroad"  # what may happen more or less often than usual, by this name
_WAKES = "worker wakes"
_NOTICES_GATHER = timedelta(seconds=2)  # above what the product lets a ledger's notices wait for each other


@dataclass
class Play:
    """Everything that one seed plays with."""

    seed: int
    time: VirtualTime
    agenda: Agenda
    estate: Estate
    life: Life
    judge: Judge
    takings: Takings
    mailbox: CaptureServer
    faults: Faults
    settings: Settings
    calls: Calls
    lapses: Lapses
    post: Post
    rng: Random
    app: App
    often: Mapping[str, float] = field(default_factory=dict)  # how many times as often as usual something happens
    ids: dict[str, str] = field(default_factory=dict)
    stranger: str = ""  # an organisation that has nothing to do with the firms
    skew: timedelta = timedelta(0)
    broker_back_at: datetime = DEMO_START
    crashes: int = 0
    versions: dict[tuple[str, str, str], str] = field(
        default_factory=dict
    )  # of each linked object, when last looked at
    look: Callable[[], None] = field(default=lambda: None)  # at what must never go back
    overtaken: int = 0  # answers that came after what is newer
    dead: set[str] = field(default_factory=set)  # what counted as deleted or void when last looked at
    logged: LogListener = field(default_factory=LogListener)
    told: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_TOLD))

    def trace(self, text: str) -> None:
        """Keep what happened, for whoever asks how a violation came about."""
        self.told.append(f"{self.time.now():%m-%d %H:%M:%S} {text}")

    def restart(self) -> None:
        """Start the product again after its process died: what it had in memory is gone.

        But for the texts of its statements, which say nothing of what happened and take long to write.
        """
        self.app.close()
        self.crashes += 1
        self.recover_store()
        self.app = _start(self, self.app.store)

    def recover(self) -> None:
        """Let what was away for a while be there again."""
        self.broker_back_at = self.time.now()
        self.recover_store()

    def recover_store(self) -> None:
        """Let the database be reached again, with room on its disk."""
        if isinstance(self.app.store, MortalStore):
            self.app.store.recover()

    def close(self) -> None:
        """End whichever process of the product is alive."""
        self.app.close()

    def clock(self) -> datetime:
        """The time as the product's machine has it."""
        return self.time.now() + self.skew

    def wake(self, after_seconds: float = 0.0, /) -> None:
        """Have the product's worker run soon, unless the broker loses it."""
        rng, strikes = self.faults.draw(), self.faults.strikes
        if strikes("broker_down"):
            self.broker_back_at = self.time.now() + timedelta(minutes=rng.uniform(5, 180))
        if self.time.now() < self.broker_back_at or strikes("wake_lost"):
            return
        if strikes("queue_purged"):
            self.agenda.forget(_WAKES)
        pauses = [after_seconds + rng.uniform(*_WAKES_AFTER_SECONDS) for _ in range(2 if strikes("wake_twice") else 1)]
        pauses += [rng.uniform(600, 40_000)] if strikes("wake_redelivered") else []
        for seconds in pauses:
            self.agenda.later(timedelta(seconds=seconds), _WAKES, self.run(work))

    def run(self, operation: Callable[[App], object]) -> Callable[[], None]:
        """Return a happening that runs an operation of whichever process is alive by then."""

        def happen() -> None:
            operation(self.app)

        return happen


@contextmanager
def set_play(
    seed: int,
    *,
    without: frozenset[str] = frozenset(),
    often: Mapping[str, float] = MappingProxyType({}),
    invoices: int = 0,
) -> Iterator[Play]:
    """Found the firms of `seed`, connect the product and read everything once; faults begin after that.

    `without` leaves kinds of faults out; `often` says how many times as often as usual some faults and acts happen.
    Each firm begins with so many open `invoices` of the months before; small ones with what they sell on the day.
    """
    time = VirtualTime(source(seed, "start").choice(STARTS))
    agenda = Agenda(time, source(seed, "agenda"))
    faults = Faults(source(seed, "faults"), without=without, often=often)
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(
                TemporaryDirectory(prefix="truedue-simulate-", dir=_MEMORY if _MEMORY.is_dir() else None)
            )
        )
        small = {"pages": faults.strikes("small_pages"), "changes": faults.strikes("change_feed_cut")}
        stack.enter_context(small_answers(**small))
        stack.enter_context(seeded_secrets(source(seed, "secrets")))
        wire = Wire()
        estate = stack.enter_context(Estate(clock=time.now, couriers=False, reach=wire.connect))
        stack.enter_context(wire.laid())
        hands = Hands(source(seed, "life"), time.now, agenda.later)
        firms = found_firms(
            estate,
            source(seed, "firms"),
            time.now,
            currencies=source(seed, "currencies"),
            often=often.get(ABROAD, 1.0),
            most_open=invoices or MAX_OPEN,
        )
        life = Life(hands, firms, often)
        life.stand(invoices)
        for _ in range(0 if invoices else OPENING_SALES):
            life.sell_something()
        logged = LogListener()
        calls = Calls(
            time,
            faults,
            estate,
            lambda kind: _meanwhile(play, kind),
            life.edit,
            lambda ids, deletes: _overtake(play, ids, deletes),
        )
        lapses = Lapses(time, estate)
        judge = Judge(life.firms, Knowledge(time, estate, calls, lapses, lambda firm: _credits_read(play, firm)))
        takings = Takings(judge)
        for firm in life.firms.values():
            firm.processor.account.on_taken = partial(_taken, hands, takings, firm)
        mailbox = CaptureServer(clock=time.now, hear=partial(_hear, judge, takings))
        mailbox.fate = lambda: _fate(faults)
        mailbox.start()
        stack.callback(mailbox.stop)
        database = folder / "truedue.sqlite3"
        database.write_bytes(empty_sqlite())
        settings = settings_for(estate, mailbox, database, PUBLIC_URL)
        stack.enter_context(logged.listening())
        post = Post(agenda, faults, estate, lambda system, headers, body: _hand_in(play, system, headers, body))
        rng = source(seed, "people")
        quiet = build(settings, clock=time.now, pace=Pace(time.sleep, pages=iter))
        play = Play(
            seed,
            time,
            agenda,
            estate,
            life,
            judge,
            takings,
            mailbox,
            faults,
            settings,
            calls,
            lapses,
            post,
            rng,
            quiet,
        )
        play.logged, play.often = logged, often
        stack.callback(play.close)
        _open_for_business(play)
        wire.passage = calls.carry
        quiet.close()
        play.app = _start(play, MortalStore(play.settings.database_url, play.faults))
        yield play


def source(seed: int, of: str) -> Random:
    """Sources of their own, so that one part of a run can change and the others stay as they are."""
    return Random(f"{seed} {of}")  # noqa: S311 - a repeatable run, no secret


def _start(play: Play, store: Store) -> App:
    app = build(play.settings, clock=play.clock, pace=Pace(play.time.sleep, pages=iter), store=store)
    app.wake = play.wake
    return app


def _fate(faults: Faults) -> Fate:
    if faults.strikes("mail_refused"):
        return Fate.REFUSED
    if faults.strikes("mail_put_off"):
        return Fate.PUT_OFF
    return Fate.ANSWER_LOST if faults.strikes("mail_accepted_then_lost") else Fate.TAKEN


def _hear(judge: Judge, takings: Takings, mail: CapturedMail) -> None:
    if not takings.hear(mail):
        judge.hear(mail)


def _taken(hands: Hands, takings: Takings, firm: Firm, intent: Object, means: str) -> None:
    """The product asks a saved means for money: it is judged by what was true before, and then true itself."""
    mandate, debt = firm.mandates[means], firm.debts[intent["description"]]
    takings.see(firm, debt, mandate, intent, hands.clock())
    took(hands, firm, debt, intent, mandate)


def _hand_in(play: Play, system: str, headers: dict[str, str], body: bytes) -> int:
    """Post a webhook to the product; the status that the vendor gets."""
    store = play.app.store
    if isinstance(store, MortalStore) and play.faults.strikes("intake_refused"):
        store.refuses_next = True
    try:
        take_webhook(play.app, system=system, headers=headers, body=body)
    except BadSignatureError:
        return 401
    except SQLAlchemyError:
        return 503
    return 200


_OTHERS: dict[str, Callable[[App], object]] = {
    "meanwhile_worker": work,
    "meanwhile_poll": poll,
    "meanwhile_sender": remind_everybody,
}


def _meanwhile(play: Play, kind: str) -> None:
    """Let something happen while the product waits for a vendor."""
    if kind == "meanwhile_life":
        play.life.act()
    elif kind in _OTHERS:
        with suppress(SQLAlchemyError):  # what fails there fails in another process
            Context().run(_OTHERS[kind], play.app)  # what this one may still do is nothing to it
    play.post.collect()


def _overtake(play: Play, ledger_ids: frozenset[str], deletes: bool) -> bool:
    """Let one of these invoices change, or a payment be deleted, and the product read it again; False when none is."""
    if not deletes:
        play.life.edit(ledger_ids)
    elif not play.life.delete_posting(ledger_ids):
        return False
    play.post.collect()
    play.agenda.settle(lambda name: name.startswith("webhook"))
    play.time.advance(_NOTICES_GATHER)
    if deletes:
        poll(play.app, roles=[Role.LEDGER])  # of what is deleted a list of changes tells, not the object
    work(play.app)
    play.look()
    play.overtaken += 1
    return True


def _credits_read(play: Play, firm: Firm) -> datetime | None:
    """Up to when the product says it has read a firm's credit notes."""
    with play.app.store.read() as db:
        ledger = connections.connection_for_role(db, play.ids[firm.key], Role.LEDGER)
        return connections.watermark(db, ledger.id, Kind.CREDIT_NOTE) if ledger else None


def _open_for_business(play: Play) -> None:
    play.stranger = create_organisation(
        play.app, name="Lantern Books", base_currency="GBP", time_zone="Europe/London", country="GB"
    ).id
    for key, firm in play.life.firms.items():
        play.ids[key] = people.found(play.app, firm.organisation)
        for system in (firm.profile.system, "salesforce", "stripe"):
            connect(play, key, system)
    play.estate.begin_webhooks(PUBLIC_URL)
    poll(play.app)
    for key, organisation_id in play.ids.items():
        people.confirm_links(play.app, organisation_id)
        files = {currency: bank.account for currency, bank in play.life.firms[key].banks.items()}
        people.declare_banks(play.app, files, organisation_id)
        switch_sending(play.app, organisation_id=organisation_id, on=True, actor="owner")
        switch_card_payments(play.app, organisation_id=organisation_id, on=True, actor="owner")
    work(play.app)


def connect(play: Play, key: str, system: str, *, organisation_id: str | None = None) -> None:
    """Give consent as the firm's owner, for the firm unless told for whom.

    A RequestException or ConnectorError when the vendor is away just now.
    """
    page = begin_connect(play.app, organisation_id=organisation_id or play.ids[key], system=system)
    account = play.life.firms[key].account_of(system, play.estate)
    with visitor() as browser:
        answer = browser.get(
            f"{page}&{urlencode({'login_hint': account})}", allow_redirects=False, timeout=CONSENT_TIMEOUT_SECONDS
        )
    answer.raise_for_status()
    query = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
    finish_connect(play.app, system=system, query=query)
