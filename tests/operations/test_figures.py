"""The sums of open invoices: the same asked for or counted ahead, and counted again when they are old."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.app import App
from runtime.operations.reminding import figures as counting
from runtime.operations.reminding.figures import LEAST_PAUSE, Figures, count_due_figures, count_figures, figures
from runtime.store import connections
from tests.web.build import Time, fill, running


def _figures(app: App) -> Figures:
    with app.store.read() as db:
        organisation = connections.organisation(db, "org-a")
        assert organisation is not None
        return figures(db, organisation, now=app.clock())


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[App, Time, Figures]]:
    """An organisation whose few invoices count as many, with the sums that they had as few."""
    with running(tmp_path) as (app, time):
        fill(app)
        asked = _figures(app)
        monkeypatch.setattr(counting, "COUNTED_WHEN_ASKED", 2)
        yield app, time, asked


def test_sums_that_are_counted_ahead_are_those_that_are_asked_for(
    many: tuple[App, Time, Figures], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, time, asked = many
    assert asked.truly_due.count and asked.held.count and asked.held_by_code and asked.gaps
    assert _figures(app) == replace(_figures(app), is_counted=False, ageing=())
    monkeypatch.setattr(counting, "CUSTOMERS_A_HEAP", 1)
    assert count_figures(app, "org-a") == 7  # one of them is paid and still being posted
    assert sum(sum(each.counts) for each in asked.ageing) == 6
    assert _figures(app) == replace(asked, counted_at=time.now)


def test_they_are_counted_again_when_they_are_old(many: tuple[App, Time, Figures]) -> None:
    app, time, _ = many
    assert count_due_figures(app) == 1
    time.now += LEAST_PAUSE / 2
    assert count_due_figures(app) == 0
    time.now += LEAST_PAUSE
    assert count_due_figures(app) == 1
    assert _figures(app).counted_at == time.now


def test_of_few_invoices_nothing_is_kept(tmp_path: Path) -> None:
    with running(tmp_path) as (app, _):
        fill(app)
        assert count_due_figures(app) == 0
        assert _figures(app).counted_at is None
