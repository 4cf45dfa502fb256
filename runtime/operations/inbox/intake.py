"""Group commit: webhooks that arrive together are stored in one transaction, and each is answered after it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from runtime.app import App
from runtime.operations.inbox.take_webhook import Webhook
from runtime.store.inbox_writers import DatabaseAwayError, InboxWriter, inbox_writers

# What waits for its commit; above either, vendors are asked to come again.
MAX_WAITING = 4_096
MAX_WAITING_BYTES = 64 * 1024 * 1024
WORTH_A_GROUP = 16  # webhooks: fewer wait for a group that is on its way, since a transaction costs as much as they do
MAX_GROUP = 512  # webhooks in one transaction: it ends within the patience of whoever came first
RETRY_AFTER_SECONDS = 5

_log = logging.getLogger(__name__)


class NotStoredError(Exception):
    """The webhook is not stored, for want of room or of the database: answer 503, the vendor sends it again."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    webhook: Webhook
    stored: asyncio.Future[None]


class Intake:
    """Stores webhooks for one event loop: while groups are being committed, the next one gathers.

    Waking the workers holds up nobody: it follows the answers, once for a group at most.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        # One stores on SQLite, one wakes: whichever is awake takes what comes next, and nothing waits for the other.
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="intake")
        self._writers = inbox_writers(app.store, self._threads)
        self._idle = list(self._writers)
        self._storing: set[asyncio.Task[None]] = set()
        self._wakes: set[float] = set()  # the delays in seconds that workers are still to be told
        self._waking: asyncio.Task[None] | None = None

    async def keep(self, webhook: Webhook) -> None:
        """Return once `webhook` is committed; NotStoredError when it is not."""
        if len(self._waiting) >= MAX_WAITING or self._waiting_bytes + webhook.size_bytes > MAX_WAITING_BYTES:
            raise NotStoredError
        loop = asyncio.get_running_loop()
        stored: asyncio.Future[None] = loop.create_future()
        self._waiting.append(_Waiting(webhook, stored))
        self._waiting_bytes += webhook.size_bytes
        self._begin()
        await stored

    async def close(self) -> None:
        """Let go of the database, when nothing waits any more."""
        for writer in self._writers:
            await writer.close()

    def _begin(self) -> None:
        """Have what waits stored, beside other groups only when it is worth a transaction of its own."""
        are_all_idle = len(self._idle) == len(self._writers)
        if self._waiting and self._idle and (are_all_idle or len(self._waiting) >= WORTH_A_GROUP):
            storing = asyncio.get_running_loop().create_task(self._store_next(self._idle.pop()))
            self._storing.add(storing)
            storing.add_done_callback(self._storing.discard)

    async def _store_next(self, writer: InboxWriter) -> None:
        group = [self._waiting.popleft() for _ in range(min(MAX_GROUP, len(self._waiting)))]
        self._waiting_bytes -= sum(each.webhook.size_bytes for each in group)
        try:
            await self._store(writer, group)
        finally:
            self._idle.append(writer)
            self._begin()

    async def _store(self, writer: InboxWriter, group: Sequence[_Waiting]) -> None:
        webhooks = [each.webhook for each in group]
        kept, new = await self._keep_together(writer, webhooks)
        for each, is_kept in zip(group, kept, strict=True):
            if each.stored.done():  # whoever sent it has gone
                continue
            if is_kept:
                each.stored.set_result(None)
            else:
                each.stored.set_exception(NotStoredError())
        if new:
            self._wake({webhook.due_in_seconds for webhook in webhooks})

    async def _keep_together(self, writer: InboxWriter, webhooks: Sequence[Webhook]) -> tuple[list[bool], int]:
        """Return which of them are committed now and how many notices were new; a refused one costs no other its place.

        A database that is away is not asked again for each of them: their vendors ask it later.
        """
        rows = [row for webhook in webhooks for row in webhook.rows]
        try:
            return [True] * len(webhooks), await writer.write(rows) if rows else 0
        except DatabaseAwayError:
            _log.exception("the database took none of %d webhooks", len(webhooks))
        except Exception:
            _log.exception("the database refused a group of %d webhooks", len(webhooks))
            if len(webhooks) > 1:
                alone = [await self._keep_together(writer, [each]) for each in webhooks]
                return [is_kept for (is_kept,), _ in alone], sum(new for _, new in alone)
        return [False] * len(webhooks), 0

    def _wake(self, delays: set[float]) -> None:
        self._wakes |= delays
        if self._wakes and self._waking is None:
            self._waking = asyncio.get_running_loop().create_task(self._wake_all())

    async def _wake_all(self) -> None:
        try:
            while self._wakes:
                delay = self._wakes.pop()
                await asyncio.get_running_loop().run_in_executor(self._threads, self._app.wake, delay)
        finally:
            self._waking = None
