"""Reading the next page while the one before it is being stored."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from connectors.records import Page


def read_ahead(pages: Iterable[Page]) -> Generator[Page, None, None]:
    """Yield `pages` in their order; while the caller is at work on one, one more is read in a thread.

    An error of the reading is raised in its place. A caller that stops early waits for the page that is on its way.
    """
    left = iter(pages)
    end: Any = object()
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as thread:
        coming = thread.submit(next, left, end)
        while (page := coming.result()) is not end:
            coming = thread.submit(next, left, end)
            yield page
