"""The composition root: everything that an operation may touch, made in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from connectors.channels.email import EmailChannel, SmtpServer
from connectors.channels.mailbox import ImapServer, Mailbox
from runtime.button_links import ButtonLinks
from runtime.carriers import Carriers
from runtime.clock import Clock, system_clock
from runtime.kept_indexes import KeptIndexes
from runtime.portal_links import PortalLinks
from runtime.printed import PrintedInvoices
from runtime.settings import Settings
from runtime.stated import StatedInvoices
from runtime.store.engine import Store
from runtime.store.turns import Turns
from runtime.vault import Vault
from runtime.vendors import Pace, Vendors

REAL_PACE = Pace()


def _nobody(_after_seconds: float = 0.0) -> None:
    """Wake nobody: without workers the sweep finds what is due."""


class Wake(Protocol):
    """Tells the workers that something is due, now or in a moment."""

    def __call__(self, after_seconds: float = 0.0, /) -> None:
        """Wake a worker."""


@dataclass
class App:
    """The running product. `wake` tells the workers that something is due; losing a call loses no work."""

    settings: Settings
    store: Store
    clock: Clock
    vault: Vault
    vendors: Vendors
    email: EmailChannel | None
    mailbox: Mailbox | None
    carriers: Carriers
    turns: Turns
    indexes: KeptIndexes
    printed: PrintedInvoices
    stated: StatedInvoices
    wake: Wake = _nobody

    @property
    def mailbox_name(self) -> str:
        """What the mailbox that payers answer to is called here."""
        return f"{self.settings.imap_user}@{self.settings.imap_host}/{self.settings.imap_folder}"[:300]

    def portal_links(self) -> PortalLinks:
        """Return what makes and reads the links to payers' pages; those that an earlier key signed still open."""
        return PortalLinks(self.settings.encryption_key(), self.clock, self.settings.old_encryption_keys())

    def button_links(self) -> ButtonLinks:
        """Return what makes and reads the addresses of pay-now buttons; those that an earlier key signed still open."""
        return ButtonLinks(self.settings.encryption_key(), self.settings.old_encryption_keys())

    def close(self) -> None:
        """Let go of vendors and the database."""
        self.vendors.close()
        self.store.close()


def build(
    settings: Settings, *, clock: Clock = system_clock, pace: Pace = REAL_PACE, store: Store | None = None
) -> App:
    """Make the product from its settings, on `store` when one is open already.

    SettingsError or StoreAddressError when they are unusable.
    """
    file = settings.sqlite_file()
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    store = store or Store(settings.database_url)
    vault = Vault(settings.encryption_key(), settings.old_encryption_keys())
    vendors = Vendors(settings=settings, store=store, vault=vault, clock=clock, pace=pace)
    return App(
        settings=settings,
        store=store,
        clock=clock,
        vault=vault,
        vendors=vendors,
        email=_email(settings, clock),
        mailbox=_mailbox(settings),
        carriers=Carriers(settings, clock),
        turns=Turns(store),
        indexes=KeptIndexes(),
        printed=PrintedInvoices(),
        stated=StatedInvoices(clock),
    )


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


def _mailbox(settings: Settings) -> Mailbox | None:
    """Return the mailbox that payers answer to; without a server and a user there is none, and none is looked into."""
    if not settings.imap_host or not settings.imap_user:
        return None
    server = ImapServer(
        host=settings.imap_host,
        port=settings.imap_port,
        username=settings.imap_user,
        password=settings.imap_password.get_secret_value(),
        folder=settings.imap_folder,
        tls=settings.imap_tls,
    )
    return Mailbox(server)
