"""Pages that are read while the one before is stored: order, one ahead and no more, errors in their place."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from connectors.records import Page
from runtime.read_ahead import read_ahead

SECONDS = 10.0


def pages_of(number: int, asked: list[int] | None = None, *, fails_at: int = -1) -> Iterator[Page]:
    for each in range(number):
        if asked is not None:
            asked.append(each)
        if each == fails_at:
            raise ConnectionError("cut")
        yield Page(records=(), problems=())


def test_every_page_comes_once_and_in_order() -> None:
    made = list(pages_of(5))
    assert [id(page) for page in read_ahead(made)] == [id(page) for page in made]
    assert list(read_ahead(())) == []


def test_the_next_page_is_read_while_one_is_stored() -> None:
    is_read = threading.Event()

    def reading() -> Iterator[Page]:
        yield Page(records=(), problems=())
        is_read.set()
        yield Page(records=(), problems=())

    ahead = read_ahead(reading())
    next(ahead)
    assert is_read.wait(SECONDS)


def test_no_more_than_one_page_is_read_ahead() -> None:
    asked: list[int] = []
    ahead = read_ahead(pages_of(10, asked))
    next(ahead)
    next(ahead)
    ahead.close()  # its end waits for the page on its way
    assert asked == [0, 1, 2]


def test_an_error_comes_after_the_pages_before_it() -> None:
    taken = 0
    with pytest.raises(ConnectionError, match="cut"):
        for _ in read_ahead(pages_of(5, fails_at=2)):
            taken += 1
    assert taken == 2
