"""What a payer asked on their page stands there with what they were answered: theirs, asked there, the newest first."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from runtime.operations.views import portal_questions
from runtime.store import tables as t
from tests.web.build import NOW, Books
from tests.web.conftest import Site

_ARTICLE = re.compile(r"<article>(.*?)</article>", re.DOTALL)


@pytest.fixture
def books(site: Site) -> Books:
    return Books.of(site.app, "org-a")


def _asked(books: Books, reply_id: str, text: str, customer_id: str = "acme", **values: object) -> None:
    books.asked(reply_id, text, customer_id=customer_id, **({"documents": ["inv-3"]} | values))


def _shown(site: Site, customer_id: str = "acme", **headers: str) -> list[str]:
    page = site.http.get(f"/p/{site.token(customer_id)}", headers=headers).text
    return [" ".join(re.sub("<[^>]*>", " ", each).split()) for each in _ARTICLE.findall(page)]


def test_a_question_waits_and_then_has_its_answer(site: Site, books: Books) -> None:
    assert _shown(site) == []
    site.http.post(f"/p/{site.token()}/ask/inv-3", data={"question": "Which <b>delivery</b>?"})
    (waiting,) = _shown(site)
    assert waiting == "You asked on 10 Mar 2026 INV-3 Which &lt;b&gt;delivery&lt;/b&gt;? It waits for an answer."
    with site.app.store.read() as db:
        reply_id = db.execute(t.reply.select().where(t.reply.c.channel == "portal")).one().id
    site.time.now += timedelta(days=1)
    books.answered(reply_id, "acme", "That of 2 March.\n\nThe note <comes> today.")
    (answered,) = _shown(site)
    assert answered.endswith(
        "Harbour Joinery Ltd answered on 10 Mar 2026: That of 2 March. The note &lt;comes&gt; today."
    )
    assert "Dear" not in answered and "dana" not in answered


@pytest.mark.parametrize(
    ("state", "is_shown"), [("sent", True), ("in_doubt", True), ("failed", False), ("handing", False)]
)
def test_an_answer_is_there_once_it_may_have_left(site: Site, books: Books, state: str, is_shown: bool) -> None:
    _asked(books, "rpl-1", "Which delivery?")
    books.answered("rpl-1", "acme", "That of 2 March.", state=state)
    (shown,) = _shown(site)
    assert ("That of 2 March." in shown) is is_shown
    assert ("It waits for an answer." in shown) is not is_shown


def test_what_was_answered_elsewhere_waits_no_more(site: Site, books: Books) -> None:
    _asked(books, "rpl-1", "Which delivery?", state="settled", settled_at=NOW - timedelta(days=1))
    (shown,) = _shown(site)
    assert shown.endswith("Settled on 9 Mar 2026.")
    site.http.post(f"/p/{site.token()}/ask/inv-3", data={"question": "We paid this yesterday."})
    assert _shown(site)[0].endswith("We paid this yesterday. Noted, as you wrote it."), "it was sure"


def test_only_what_this_customer_asked_on_their_page_is_there(site: Site, books: Books) -> None:
    _asked(books, "rpl-1", "by mail", channel="email")
    _asked(books, "rpl-2", "by text", channel="text")
    _asked(books, "rpl-3", "of another customer", customer_id="bolt", documents=["inv-5"])
    _asked(books, "rpl-4", "of nobody known", customer_id="", candidates=["acme"])
    other = Books.of(site.app, "org-b")
    _asked(other, "rpl-5", "of another organisation")
    assert _shown(site) == []
    (shown,) = _shown(site, "bolt")
    assert "of another customer" in shown


def test_the_number_of_another_customers_invoice_is_not_named(site: Site, books: Books) -> None:
    _asked(books, "rpl-1", "Which?", documents=["inv-3", "inv-5"])
    (shown,) = _shown(site)
    assert "INV-3" in shown and "INV-5" not in shown


def test_the_newest_are_first_and_few(site: Site, books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portal_questions, "MAX_SHOWN", 2)
    for day in range(3):
        _asked(books, f"rpl-{day}", f"question {day}", received_at=NOW + timedelta(days=day))
    assert [re.findall(r"question \d", each) for each in _shown(site)] == [["question 2"], ["question 1"]]


def test_it_is_said_in_the_payers_language(site: Site, books: Books) -> None:
    _asked(books, "rpl-1", "Welche Lieferung?")
    books.answered("rpl-1", "acme", "Die vom 2. März.")
    (shown,) = _shown(site, **{"Accept-Language": "de"})
    assert "haben Sie gefragt INV-3 Welche Lieferung?" in shown
    assert "Harbour Joinery Ltd hat am" in shown
