"""Commands that run until they are stopped, and the demo."""

from __future__ import annotations

import fcntl
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import IO

import click
import uvicorn

from runtime.app import App
from runtime.cli.opened import opened_app
from runtime.clock import clock_from
from runtime.jobs.embedded import EmbeddedWorker
from runtime.jobs.tasks import make_celery
from runtime.listening import LOOPBACK, require_free
from runtime.long_lived import keep_long_lived
from runtime.operations.errors import InputError
from runtime.settings import load
from runtime.waiting import wait_for_interrupt
from runtime.web.application import create_web

DEMO_FOLDER = Path("var/demo")
_SCHEDULER = "celery.beat:Scheduler"  # keeps its times in memory; Celery's own choice leaves files where it is started


@click.command()
@click.option("--host", default=LOOPBACK, show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="The port to listen on.")
def serve(host: str, port: int) -> None:
    """Serve the pages and webhooks; with the in-memory broker, work as well."""
    require_free(host, port)
    with opened_app(may_make=True) as app, _only_one(app):
        celery = make_celery(app)
        # A line for each request costs as much as taking a webhook does; /metrics counts what was answered.
        config = uvicorn.Config(create_web(app), host=host, port=port, log_level="info", access_log=False)
        server = uvicorn.Server(config)
        _stop_on_signals(server)
        keep_long_lived()
        if app.settings.broker_url.startswith("memory"):
            with EmbeddedWorker(celery):
                server.run()
        else:
            server.run()


def _stop_on_signals(server: uvicorn.Server) -> None:
    """Let a signal only end the serving: uvicorn raises it again afterwards, which would end us before we tidied up."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


@contextmanager
def _only_one(app: App) -> Iterator[IO[str] | None]:
    """Hold the lock of an SQLite file: two embedded servers on one file would both work and both sweep."""
    file = app.settings.sqlite_file()
    if file is None:
        yield None
        return
    with file.with_name(f"{file.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{file}: another `truedue serve` uses this database; stop it, or use PostgreSQL with workers"
            ) from None
        yield lock


@click.command()
@click.option("--concurrency", default=2, show_default=True, type=click.IntRange(1, 64), help="Processes.")
@click.option("--beat", is_flag=True, help="Also run the clock that sweeps and polls; exactly one worker does.")
def worker(concurrency: int, beat: bool) -> None:
    """Work off what is due, beside `truedue serve`, with a broker that crosses processes."""
    settings = load()
    if settings.broker_url.startswith("memory") or settings.database_url.startswith("sqlite"):
        raise InputError("workers need PostgreSQL and a broker: set TRUEDUE_DATABASE_URL and TRUEDUE_BROKER_URL")
    with opened_app() as app:
        celery = make_celery(app)
        arguments = ["worker", f"--concurrency={concurrency}", "--loglevel=info", "--pool=threads"]
        celery.worker_main([*arguments, "--beat", f"--scheduler={_SCHEDULER}"] if beat else arguments)


@click.command()
@click.option("--headless", is_flag=True, help="End after the summary instead of leaving the pages open.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
@click.option("--folder", default=DEMO_FOLDER, type=click.Path(path_type=Path), help="Where its database is kept.")
def demo(headless: bool, as_json: bool, folder: Path) -> int:
    """Play the whole job on the sample company, against stand-ins of all vendors."""
    from runtime.demo.performance import perform  # noqa: PLC0415 - only the demo knows the sandbox

    return perform(headless=headless, as_json=as_json, folder=folder)


@click.command()
@click.option("--port", default=0, type=click.IntRange(0, 65500), help="The first of six ports; 0: free ones.")
@click.option("--json", "as_json", is_flag=True, help="Print the environment as one JSON object.")
def sandbox(port: int, as_json: bool) -> None:
    """Run the stand-in vendors and carriers alone, with the sample company in them, until interrupted."""
    from sandbox.carriers import PORTS, Carriers  # noqa: PLC0415 - as below
    from sandbox.estate import VENDOR_PORTS, Estate  # noqa: PLC0415 - only this command and the demo know the sandbox
    from sandbox.world import DEMO_START, build_world  # noqa: PLC0415

    clock = clock_from(DEMO_START)
    carriers_port = port + VENDOR_PORTS if port else 0
    for number in range(VENDOR_PORTS + PORTS):
        if port:
            require_free(LOOPBACK, port + number)
    hear = partial(click.echo, err=True)
    with Estate(clock=clock, port=port) as estate, Carriers(clock=clock, port=carriers_port, hear=hear) as carriers:
        build_world(clock=clock).seed_into(
            xero=estate.xero, quickbooks=estate.quickbooks, salesforce=estate.salesforce, stripe=estate.stripe
        )
        environment = estate.environment | carriers.environment
        if as_json:
            click.echo(json.dumps(environment))
        else:
            for name, value in environment.items():
                click.echo(f"export {name}={value}")
        wait_for_interrupt()
