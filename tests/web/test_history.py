"""The audit trail: its page with filters, bounded, and the same lines as a file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from sqlalchemy import delete, insert

from connectors.intents import Intent
from runtime import operations
from runtime.operations.autopay.announce import AHEAD, FAILED
from runtime.operations.reaching.contacted import NEW_LINK
from runtime.operations.views import history
from runtime.roles import MemberRole
from runtime.store import tables as t
from runtime.web.action_words import ACTIONS
from tests.web.build import NOW
from tests.web.people import Browser, PublicSite, public_site

PAGE = "/o/org-a/history"
_SOURCE = Path(operations.__file__).parent
_NAMED = re.compile(r'\baction="(\w+)"|\.record\("(\w+)"|\bACTION = "(\w+)"')


@pytest.fixture
def site(tmp_path: Path) -> Iterator[PublicSite]:
    """Three lines, a day apart, and one of another organisation."""
    with public_site(tmp_path) as site:
        with site.app.store.write() as db:
            db.execute(delete(t.event))
        _happened(site, NOW - timedelta(days=2), "matching", "payment_applied", "inv-5", detail="1.00 GBP")
        _happened(site, NOW - timedelta(days=1), "carla@example.com", "promised", "inv-5")
        _happened(site, NOW, "customer", "language_chosen", "bolt", detail='=HYPERLINK("http://evil.example")')
        _happened(
            site, NOW, "owner", "sending_switched", "org-b", detail="of another organisation", organisation="org-b"
        )
        yield site


@pytest.fixture
def auditor(site: PublicSite) -> Browser:
    return site.browser("audrey", org_b=MemberRole.AUDITOR, org_a=MemberRole.AUDITOR)


def _happened(
    site: PublicSite,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    *,
    detail: str = "",
    times: int = 1,
    organisation: str = "org-a",
) -> None:
    row = {"at": at, "actor": actor, "action": action, "subject": subject, "detail": detail}
    with site.app.store.write() as db:
        db.execute(insert(t.event), [row | {"organisation_id": organisation}] * times)


def _lines(browser: Browser, query: str = "") -> list[str]:
    """What is listed, by what happened, in the order of the page."""
    return re.findall(r'<td class="full wrap"><strong>(.*?)</strong>', browser.get(f"{PAGE}?{query}").text)


def _taken(browser: Browser, query: str = "") -> list[dict[str, str]]:
    answer = browser.get(f"/o/org-a/history.csv?{query}")
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_what_happened_is_told_in_words_with_who_and_about_what_the_newest_first(auditor: Browser) -> None:
    assert _lines(auditor)[-3:] == ["Language chosen", "Payment promised", "Payment applied"]
    shown = auditor.get(PAGE).text
    assert "carla@example.com" in shown
    assert "The customer" in shown
    assert '<a href="/o/org-a/invoices/inv-5">INV-5</a>' in shown
    assert '<a href="/o/org-a/customers/bolt">Bolt &amp; Sons' in shown
    assert "of another organisation" not in shown
    assert f'href="{PAGE}" aria-current="page"' in shown, "it is in the navigation"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("who=CARLA", ["Payment promised"]),
        ("who=%25", []),
        ("what=payment_applied", ["Payment applied"]),
        ("what=nothing", []),
        ("from=2026-03-09&to=2026-03-09", ["Payment promised"]),
        ("to=2026-03-08", ["Payment applied"]),
        ("from=2026-03-09&to=&who=&what=promised", ["Payment promised"]),
    ],
)
def test_the_filters(auditor: Browser, query: str, found: list[str]) -> None:
    assert _lines(auditor, query) == found
    assert [row["what"] for row in _taken(auditor, query)] == found


def test_a_day_is_that_of_the_organisation(site: PublicSite, auditor: Browser) -> None:
    with site.app.store.write() as db:
        db.execute(t.organisation.update().where(t.organisation.c.id == "org-a").values(time_zone="Asia/Tokyo"))
    _happened(site, NOW.replace(hour=23) - timedelta(days=8), "owner", "task_done", "inv-5")
    assert _lines(auditor, "from=2026-03-03&to=2026-03-03") == ["Task done"], "it is the next day there"


@pytest.mark.parametrize(
    "query", ["from=soon", "from=2026-03-09&to=2026-03-08", "page=0", "page=201", "who=" + "x" * 201]
)
def test_a_bad_question_is_refused(auditor: Browser, query: str) -> None:
    assert auditor.get(f"{PAGE}?{query}").status_code == 400


def test_long_histories_come_in_pages_that_keep_the_filters(site: PublicSite, auditor: Browser) -> None:
    _happened(site, NOW, "matching", "task_done", "inv-5", times=120)
    pages = [_lines(auditor, f"what=task_done&page={page}") for page in (1, 2, 3, 4)]
    assert [len(lines) for lines in pages] == [50, 50, 20, 0]
    assert f"{PAGE}?what=task_done&amp;page=2" in auditor.get(f"{PAGE}?what=task_done").text


def test_more_than_is_counted_asks_for_fewer_days(
    site: PublicSite, auditor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MAX_COUNTED", 100)
    monkeypatch.setattr(history, "MAX_TAKEN", 100)
    _happened(site, NOW, "matching", "task_done", "inv-5", times=101)
    shown = auditor.get(f"{PAGE}?what=task_done").text
    assert "100 lines and more: choose fewer days" in shown
    assert "Page 1 of 2" in shown
    answer = auditor.get("/o/org-a/history.csv?what=task_done")
    assert answer.status_code == 409, "a file that lacks lines would be no proof"
    assert "choose fewer days" in answer.text
    assert len(_taken(auditor, "what=promised")) == 1


def test_an_auditor_takes_it_away_and_no_cell_is_a_formula(site: PublicSite, auditor: Browser) -> None:
    first = _taken(auditor, "who=customer")[0]
    assert first == {
        "at": "2026-03-10T09:00:00+00:00",
        "who": "The customer",
        "what": "Language chosen",
        "action": "language_chosen",
        "about": "Bolt & Sons <script>alert(1)</script>",
        "subject": "bolt",
        "detail": '\'=HYPERLINK("http://evil.example")',
    }
    answer = auditor.get("/o/org-a/history.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="history.csv"'
    assert "of another organisation" not in answer.text
    assert '/history.csv?who=customer" download>' in auditor.get(f"{PAGE}?who=customer").text
    viewer = site.browser("vera", org_a=MemberRole.VIEWER)
    assert "history.csv" not in viewer.get(PAGE).text
    assert viewer.get("/o/org-a/history.csv").status_code == 403


def test_a_hold_is_told_by_its_words_and_not_by_its_code(site: PublicSite, auditor: Browser) -> None:
    _happened(site, NOW, "carla@example.com", "hold_placed", "inv-5", detail="legal: Handed over: to Smith LLP")
    _happened(site, NOW, "carla@example.com", "asked", "inv-5", detail="legal: in whose name?")
    held, asked = "With a lawyer, a court or an agency: Handed over: to Smith LLP", "legal: in whose name?"
    for shown in (auditor.get(PAGE).text, auditor.get("/o/org-a/invoices/inv-5").text):
        assert f"<br>{held}</td>" in shown
        assert f"<br>{asked}</td>" in shown
    assert {row["detail"] for row in _taken(auditor, "who=carla")} == {"", held, asked}


def test_whatever_is_recorded_has_words() -> None:
    named = {next(filter(None, found)) for file in _SOURCE.rglob("*.py") for found in _NAMED.findall(file.read_text())}
    named = {each for each in named if not each.endswith("_")}  # what a state is put behind
    assert len(named) > 50
    written = {f"written_{each.__dataclass_fields__['intent'].default}" for each in get_args(Intent)}
    assert len(written) > 20
    assert sorted((named | written) - ACTIONS.keys()) == []


@pytest.mark.parametrize("kind", ["statement", "instalment", "thanks", AHEAD, FAILED, NEW_LINK])
def test_what_becomes_of_a_message_beside_reminders_has_words(kind: str) -> None:
    ends = {f"{kind}_{state}" for state in ("sent", "failed", "in_doubt", "undelivered")}
    assert ends - ACTIONS.keys() == set()
