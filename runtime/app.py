"""The composition root: everything that an operation may touch, made in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from connectors.channels.email import EmailChannel, SmtpServer
from runtime.clock import Clock, system_clock
from runtime.settings import Settings
from runtime.store.engine import Store
from runtime.vault import Vault
from runtime.vendors import Vendors


def _nobody() -> None:
    """Wake nobody: without workers the sweep finds what is due."""


@dataclass
class App:
    """The running product. `wake` tells the workers that something is due; losing a call loses no work."""

    settings: Settings
    store: Store
    clock: Clock
    vault: Vault
    vendors: Vendors
    email: EmailChannel | None
    wake: Callable[[], None] = _nobody

    def close(self) -> None:
        """Let go of vendors and the database."""
        self.vendors.close()
        self.store.close()


def build(settings: Settings, *, clock: Clock = system_clock) -> App:
    """Make the product from its settings; SettingsError or StoreAddressError when they are unusable."""
    file = settings.sqlite_file()
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    store = Store(settings.database_url)
    vault = Vault(settings.encryption_key())
    vendors = Vendors(settings=settings, store=store, vault=vault, clock=clock)
    return App(settings=settings, store=store, clock=clock, vault=vault, vendors=vendors, email=_email(settings, clock))


def _email(settings: Settings, clock: Clock) -> EmailChannel | None:
    """Return the mail channel; without a server and a sender address there is none, and nothing is sent."""
    if not settings.smtp_host or not settings.mail_from:
        return None
    server = SmtpServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_user,
        password=settings.smtp_password.get_secret_value(),
        starttls=settings.smtp_starttls,
    )
    return EmailChannel(server, clock)
