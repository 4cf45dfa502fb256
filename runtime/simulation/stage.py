"""The stage of one seed: the product, the stand-ins and the sample company on virtual time, in one thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from urllib.parse import parse_qsl, urlencode, urlsplit

from runtime.app import App, build
from runtime.demo import people
from runtime.demo.stage import settings_for, visitor
from runtime.operations.connect import begin_connect, finish_connect
from runtime.operations.organisations import switch_sending
from runtime.operations.work import poll, work
from runtime.simulation.faults import Faults, Post
from runtime.simulation.virtual import VirtualTime
from runtime.store import migrate
from runtime.vendors import Pace
from sandbox.capture import CaptureServer
from sandbox.estate import Estate
from sandbox.world import DEMO_START, World, build_world

PUBLIC_URL = "http://127.0.0.1:8000"  # nobody listens there: webhooks are carried by hand
CONSENT_TIMEOUT_SECONDS = 10.0


@dataclass
class Play:
    """Everything that one seed plays with."""

    rng: Random
    time: VirtualTime
    world: World
    estate: Estate
    mailbox: CaptureServer
    app: App
    faults: Faults
    post: Post
    statements: dict[str, Path]
    ids: dict[str, str] = field(default_factory=dict)


@contextmanager
def set_play(seed: int) -> Iterator[Play]:
    """Found the sample company of `seed`, connect it and read it for the first time; faults begin after that."""
    rng = Random(seed)  # noqa: S311 - a repeatable run, no secret
    time = VirtualTime(DEMO_START)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="truedue-simulate-")))
        world = build_world(clock=time.now, seed=seed)
        estate = stack.enter_context(Estate(clock=time.now, couriers=False))
        world.seed_into(
            xero=estate.xero, quickbooks=estate.quickbooks, salesforce=estate.salesforce, stripe=estate.stripe
        )
        mailbox = CaptureServer(clock=time.now)
        mailbox.start()
        stack.callback(mailbox.stop)
        settings = settings_for(estate, mailbox, folder / "truedue.sqlite3", PUBLIC_URL)
        app = build(settings, clock=time.now, pace=Pace(time.sleep, pages=iter))
        stack.callback(app.close)
        migrate.upgrade(app.store)
        faults = Faults(rng)
        play = Play(
            rng=rng,
            time=time,
            world=world,
            estate=estate,
            mailbox=mailbox,
            app=app,
            faults=faults,
            post=Post(app, estate, faults, rng),
            statements=world.write_statements(folder / "statements"),
        )
        _open_for_business(play)
        for standin in estate.standins:
            standin.interceptor = faults.intercept
        yield play


def _open_for_business(play: Play) -> None:
    browser = visitor()
    for key, firm in play.world.organisations.items():
        play.ids[key] = people.found(play.app, firm)
        for system, account in people.accounts_of(play.world, play.estate, key).items():
            page = begin_connect(play.app, organisation_id=play.ids[key], system=system)
            answer = browser.get(
                f"{page}&{urlencode({'login_hint': account})}",
                allow_redirects=False,
                timeout=CONSENT_TIMEOUT_SECONDS,
            )
            query = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
            finish_connect(play.app, system=system, query=query)
    play.estate.begin_webhooks(PUBLIC_URL)
    poll(play.app)
    for key, organisation_id in play.ids.items():
        people.confirm_links(play.app, organisation_id)
        people.declare_banks(play.app, play.world.organisations[key], organisation_id)
        switch_sending(play.app, organisation_id=organisation_id, on=True, actor="owner")
    work(play.app)
