"""The vendors' limits on what one answer holds, so small that two small firms meet them: on both sides at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import connectors.ledgers.quickbooks.read as quickbooks_read
import connectors.ledgers.xero.read as xero_read
import connectors.payments.stripe.client as stripe_client
import connectors.payments.stripe.connector as stripe_connector
import sandbox.quickbooks.api as quickbooks_api

PAGE, PAGES_OVERLAP, CHANGES = 30, 6, 30


@contextmanager
def small_answers(*, pages: bool, changes: bool) -> Iterator[None]:
    """Let lists come in small `pages`, and QuickBooks' feed of `changes` be cut off soon."""
    with ExitStack() as stack:
        if pages:
            for room in (quickbooks_read, xero_read, stripe_client, stripe_connector):
                stack.enter_context(patch.object(room, "PAGE_SIZE", PAGE))
            stack.enter_context(patch.object(quickbooks_read, "OVERLAP", PAGES_OVERLAP))
            stack.enter_context(patch.object(quickbooks_read, "FETCH_BATCH", PAGE))  # what is fetched fits a page
        if changes:
            for side in (quickbooks_read, quickbooks_api):
                stack.enter_context(patch.object(side, "CDC_OBJECTS", CHANGES))
        yield
