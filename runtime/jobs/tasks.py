"""Celery only wakes: the database is the queue, tasks carry nothing, and any of them may be lost or run twice."""

from __future__ import annotations

from contextlib import suppress

from celery import Celery
from kombu.exceptions import OperationalError

from runtime.app import App
from runtime.operations.bank_files.statement_folder import take_in_files
from runtime.operations.payers.replies.poll_mailbox import look_after_mail
from runtime.operations.reminding.figures import count_due_figures
from runtime.operations.reminding.remind import remind_everybody
from runtime.operations.work import poll, work

SWEEP_SECONDS = 15.0
POLL_SECONDS = 300.0
MAIL_SECONDS = 60.0
STATEMENT_SECONDS = 20.0  # how often the folder of bank files is looked into
COUNT_SECONDS = 300.0  # how often it is looked whether the sums of many open invoices are to be counted again
REMIND_SECONDS = 900.0  # messages leave within a quarter of an hour of becoming due in the payer's hours
BROKER_TIMEOUT_SECONDS = 2.0  # a webhook waits for no broker longer than this before it is answered
# An embedded worker looks at its in-memory queue this often: it bounds how long a webhook waits to be noticed.
MEMORY_POLL_SECONDS = 0.05


def make_celery(app: App) -> Celery:
    """Return the Celery application whose tasks work for `app`."""
    celery = Celery("truedue", broker=app.settings.broker_url)
    celery.conf.update(
        task_ignore_result=True,
        # A wake is acknowledged when it is taken and kept nowhere: what it was about is found by the sweep.
        task_acks_late=False,
        task_default_delivery_mode="transient",
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_enable_remote_control=False,
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=BROKER_TIMEOUT_SECONDS,
        task_default_queue="truedue",
        beat_schedule={
            name: {"task": f"truedue.{task}", "schedule": seconds, "options": {"expires": seconds}}
            for name, task, seconds in (
                ("sweep", "work", SWEEP_SECONDS),
                ("poll", "poll", POLL_SECONDS),
                ("remind", "remind", REMIND_SECONDS),
                ("count", "count", COUNT_SECONDS),
                ("statements", "statements", STATEMENT_SECONDS),
                ("mail", "mail", MAIL_SECONDS),
            )
        },
    )
    if app.settings.broker_url.startswith("memory"):
        celery.conf.broker_transport_options = {"polling_interval": MEMORY_POLL_SECONDS}

    @celery.task(name="truedue.work")
    def work_task() -> None:
        work(app)

    @celery.task(name="truedue.poll")
    def poll_task() -> None:
        poll(app)
        work(app)

    @celery.task(name="truedue.remind")
    def remind_task() -> None:
        remind_everybody(app)
        work(app)

    _look_around(celery, app)

    def wake(after_seconds: float = 0.0, /) -> None:
        # What is due is in the database already: a broker that is away costs time, until the sweep, and no work.
        with suppress(OperationalError):
            work_task.apply_async(countdown=after_seconds, expires=after_seconds + SWEEP_SECONDS, retry=False)

    app.wake = wake
    return celery


def _look_around(celery: Celery, app: App) -> None:
    """Add the tasks that look whether something came, or is to be done again, that nobody told of."""

    @celery.task(name="truedue.count")
    def count_task() -> None:
        count_due_figures(app)

    @celery.task(name="truedue.mail")
    def mail_task() -> None:
        if look_after_mail(app):
            work(app)

    @celery.task(name="truedue.statements")
    def statements_task() -> None:
        if take_in_files(app):
            work(app)
