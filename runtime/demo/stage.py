"""The demo's stage: stand-in vendors, a mailbox server, and the product itself, all on loopback with one clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
import uvicorn

from runtime.app import App, build
from runtime.clock import Clock, clock_from
from runtime.jobs.embedded import EmbeddedWorker
from runtime.jobs.tasks import make_celery
from runtime.listening import free_port
from runtime.settings import Settings
from runtime.store import migrate
from runtime.web.application import create_web
from sandbox.capture import CaptureServer
from sandbox.estate import Estate
from sandbox.world import DEMO_START, World, build_world

HOST = "127.0.0.1"
START_SECONDS = 20.0
SENDER = "accounts@truedue.example"


@dataclass
class Stage:
    """Everything that plays in the demo."""

    clock: Clock
    world: World
    estate: Estate
    mailbox: CaptureServer
    app: App
    url: str
    folder: Path


@contextmanager
def set_stage(folder: Path) -> Iterator[Stage]:
    """Start everything in `folder`, which is emptied of an earlier demo's database, and stop it at the end."""
    clock = clock_from(DEMO_START)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("truedue.sqlite3*"):
        old.unlink()
    with ExitStack() as stack:
        world = build_world(clock=clock)
        estate = stack.enter_context(Estate(clock=clock))
        world.seed_into(
            xero=estate.xero, quickbooks=estate.quickbooks, salesforce=estate.salesforce, stripe=estate.stripe
        )
        mailbox = CaptureServer(clock=clock)
        mailbox.start()
        stack.callback(mailbox.stop)
        port = free_port()
        url = f"http://{HOST}:{port}"
        app = build(settings_for(estate, mailbox, folder / "truedue.sqlite3", url), clock=clock)
        stack.callback(app.close)
        migrate.upgrade(app.store)
        stack.enter_context(EmbeddedWorker(make_celery(app)))
        stack.enter_context(_serving(app, port))
        yield Stage(clock, world, estate, mailbox, app, url, folder)


def settings_for(estate: Estate, mailbox: CaptureServer, database: Path, url: str) -> Settings:
    """Return the settings of a product that works against these stand-ins and this mail server."""
    environment = {name.removeprefix("TRUEDUE_").lower(): value for name, value in estate.environment.items()}
    return Settings.model_validate(
        {
            **environment,
            "database_url": f"sqlite:///{database}",
            "broker_url": "memory://",
            "public_url": url,
            "smtp_host": mailbox.host,
            "smtp_port": mailbox.port,
            "smtp_starttls": False,
            "mail_from": SENDER,
        }
    )


@contextmanager
def _serving(app: App, port: int) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(create_web(app), host=HOST, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, name="web", daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        if time.monotonic() > deadline or not thread.is_alive():
            raise RuntimeError(f"the web pages did not start on port {port}")
        time.sleep(0.02)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=START_SECONDS)


def visitor() -> requests.Session:
    """A person's browser, as far as the demo needs one."""
    session = requests.Session()
    session.trust_env = False
    return session
