"""Open vendor accounts: one connector and one call budget for each, and tokens that are refreshed once."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, text, update

from connectors import registry
from connectors.contract import Access, Account, Connector, Declaration
from connectors.errors import Reconnect
from connectors.limits import Budget
from connectors.oauth import OAuthFlow, TokenSet
from connectors.records import Kind, Page
from runtime.clock import Clock
from runtime.read_ahead import read_ahead
from runtime.settings import Settings
from runtime.store import tables as t
from runtime.store.budget import StoredCalls
from runtime.store.connections import VendorConnection, lose, of_consent
from runtime.store.engine import Store
from runtime.store.isolation import among_everybody
from runtime.vault import Vault

# A token is renewed this long before it ends, so that no call starts with one that ends on the way.
RENEW_BEFORE = timedelta(minutes=2)
_RENEWED = update(t.consent).where(
    t.consent.c.id == bindparam("the_consent"), t.consent.c.generation == bindparam("the_generation")
)
_CONSENT = select(t.consent).where(t.consent.c.id == bindparam("consent_id"))
MAX_OPEN = 256  # connectors kept open, and tokens known; far above what one process serves


@dataclass(frozen=True, slots=True)
class Pace:
    """How a call limit is waited for, and how pages are read: one ahead of the one being stored, unless told."""

    sleep: Callable[[float], None] = time.sleep
    pages: Callable[[Iterable[Page]], Iterable[Page]] = read_ahead


class Vendors:
    """Gives connectors for connections. Safe to use from many threads."""

    def __init__(self, *, settings: Settings, store: Store, vault: Vault, clock: Clock, pace: Pace) -> None:
        self._settings = settings
        self._store = store
        self._vault = vault
        self._clock = clock
        self._pace = pace
        self._open: dict[tuple[str, str], Connector] = {}
        self._budgets: dict[tuple[str, str], Budget] = {}
        self._tokens: dict[str, tuple[bytes, datetime]] = {}  # as they are kept, sealed, with when each ends
        self._refreshing: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._lock = threading.Lock()

    def connector(self, connection: VendorConnection) -> Connector:
        """Return the connector of a connection; the same one for every caller in this process."""
        with self._lock:
            # With the consent: whoever connects again has a new one, and the old one's token is worth nothing.
            name = (connection.id, connection.consent_id)
            connector = self._open.get(name)
            if connector is None:
                if len(self._open) >= MAX_OPEN:
                    self._open.pop(next(iter(self._open))).close()
                connector = self._open[name] = self._make(connection)
            return connector

    def pages(self, connection: VendorConnection, kind: Kind, *, since: datetime | None) -> Iterable[Page]:
        """Read what changed of a kind as `Connector.read` does, at this product's pace."""
        return self._pace.pages(self.connector(connection).read(kind, since=since))

    def forget(self, connection: VendorConnection) -> None:
        """Let go of a connection that ended."""
        with self._lock:
            connector = self._open.pop((connection.id, connection.consent_id), None)
            self._tokens.pop(connection.consent_id, None)
        if connector is not None:
            connector.close()

    def flow(self, system: str) -> OAuthFlow:
        """Return the consent flow of `system`; SettingsError when its client is not set."""
        return OAuthFlow(registry.declaration(system).oauth, self._settings.endpoint(system), self._clock)

    def first_access(self, account: Account, *, system: str, tokens: TokenSet) -> Access:
        """Return the access to an account by a consent that was just given and is kept nowhere yet."""
        return Access(
            account=account,
            endpoint=self._settings.endpoint(system),
            token=lambda: tokens.access_token,
            another=lambda _refused: tokens.access_token,
            budget=self._budget(registry.declaration(system), account.external_id),
            clock=self._clock,
        )

    def sealed(self, consent_id: str, system: str, tokens: TokenSet) -> dict[str, object]:
        """Return the columns that keep `tokens` for a consent; a vendor that tells no scopes leaves those known."""
        told = {"scopes": tokens.scopes} if tokens.scopes else {}
        return told | {
            "access_token": self._vault.seal(tokens.access_token, consent_id, system, "access"),
            "refresh_token": self._vault.seal(tokens.refresh_token, consent_id, system, "refresh"),
            "key_version": self._vault.version,
            "expires_at": tokens.expires_at,
        }

    def token(self, consent_id: str, system: str) -> str:
        """Return a valid access token, refreshing it first when it is about to end; Reconnect when that is refused.

        One refresh runs at a time for a consent, in this process and (PostgreSQL) among all of them: a vendor
        that rotates refresh tokens refuses the second. What was read once is known until it ends: one that the vendor
        refuses before, because somebody else has another by now, is asked about anew by `another`.
        """
        token = self._known(consent_id, system) or self._fresh(consent_id, system)
        if token is not None:
            return token
        with self._one_at_a_time(consent_id):
            return self._fresh(consent_id, system) or self._refresh(consent_id, system)

    def another(self, consent_id: str, system: str, refused: str) -> str:
        """Return another access token than one that the vendor refuses; Reconnect when it has ended the consent.

        It is refreshed unless somebody has just done that. One refresh runs at a time, as for `token`.
        """
        with self._one_at_a_time(consent_id):
            token = self._fresh(consent_id, system)
            return self._refresh(consent_id, system) if token in (None, refused) else str(token)

    def renew(self, connection: VendorConnection) -> None:
        """Renew the token although it still lasts; Reconnect when the vendor has ended the consent."""
        with self._one_at_a_time(connection.consent_id):
            self._refresh(connection.consent_id, connection.system)

    def close(self) -> None:
        """Let go of every connector."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()

    @contextmanager
    def _one_at_a_time(self, consent_id: str) -> Iterator[None]:
        with self._refreshing[consent_id], self._store.engine.connect() as guard:
            if not self._store.is_sqlite:
                guard.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": consent_id})
            yield

    def _make(self, connection: VendorConnection) -> Connector:
        declaration = registry.declaration(connection.system)
        return declaration.open(
            Access(
                account=connection.account,
                endpoint=self._settings.endpoint(connection.system),
                token=lambda: self.token(connection.consent_id, connection.system),
                another=lambda refused: self.another(connection.consent_id, connection.system, refused),
                budget=self._budget(declaration, connection.account.external_id),
                clock=self._clock,
            )
        )

    def _budget(self, declaration: Declaration, account: str) -> Budget:
        """Return the budget of an account: the same one for everything here that calls it."""
        log = StoredCalls(
            self._store,
            self._clock,
            system=declaration.system,
            account=account,
            limits=declaration.limits,
            concurrent=declaration.concurrent,
        )
        made = Budget(declaration.limits, log=log, sleep=self._pace.sleep)
        return self._budgets.setdefault((declaration.system, account), made)

    def _known(self, consent_id: str, system: str) -> str | None:
        """The token that was read here last, None once it is about to end."""
        sealed, ends = self._tokens.get(consent_id, (b"", None))
        if ends is None or ends - RENEW_BEFORE <= self._clock():
            return None
        return self._vault.open(sealed, consent_id, system, "access")

    def _know(self, consent_id: str, sealed: bytes, ends: datetime) -> None:
        with self._lock:
            if consent_id not in self._tokens and len(self._tokens) >= MAX_OPEN:
                self._tokens.pop(next(iter(self._tokens)))
            self._tokens[consent_id] = (sealed, ends)

    def _fresh(self, consent_id: str, system: str) -> str | None:
        with self._store.read() as db:
            row = db.execute(_CONSENT, {"consent_id": consent_id}).one()
        if row.expires_at - RENEW_BEFORE <= self._clock():
            return None
        self._know(consent_id, row.access_token, row.expires_at)
        return self._vault.open(row.access_token, consent_id, system, "access")

    def _refresh(self, consent_id: str, system: str) -> str:
        self._tokens.pop(consent_id, None)  # whatever becomes of it, the next one is read
        with self._store.read() as db:
            row = db.execute(_CONSENT, {"consent_id": consent_id}).one()
        try:
            tokens = self.flow(system).refresh(self._vault.open(row.refresh_token, consent_id, system, "refresh"))
        except Reconnect as error:
            # A consent that is lost is lost for every organisation that shares it.
            with among_everybody(), self._store.write() as db:
                for connection in of_consent(db, consent_id):
                    lose(db, connection, str(error), self._clock())
            raise
        with self._store.write() as db:
            which = {"the_consent": consent_id, "the_generation": row.generation}
            values = self.sealed(consent_id, system, tokens) | {"generation": row.generation + 1}
            db.execute(_RENEWED, which | values)
        return tokens.access_token
