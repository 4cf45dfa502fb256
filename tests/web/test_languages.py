"""The payer's pages in the payer's language: the catalogs are whole, and each payer gets theirs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract
from sqlalchemy import update

from reminders.wording import FALLBACK_LANGUAGE, LANGUAGES
from runtime.operations.reaching.contact_language import language_for
from runtime.store import tables as t
from runtime.web import words
from runtime.web.languages import choose
from tests.web.conftest import Site

WEB = Path(words.__file__).parent
TRANSLATED = [code for code in LANGUAGES if code != FALLBACK_LANGUAGE]
PAYERS_NOTICES = (
    "paying",
    "transferring",
    "contact_wished",
    "format_chosen",
    "credit_asked",
    "promised",
    "asked",
    "disputed",
    "unsubscribed",
    "plan_agreed",
    "autopay_ended",
    "means_saved",
    "link_asked",
)
_SAID = {"InputError": 0, "RefusedError": 0, "plain": 2}  # which argument is the line
PLURALS = {"%(num)d day late", "due in %(num)d day"}
PLACE = re.compile(r"%\(\w+\)[sd]")
# Where payers are refused something, and what of it they never read: it is said to the staff, or of our own words.
PAYERS_ROOMS = (
    "operations/payers/contact_wish.py",
    "operations/payers/dispute.py",
    "operations/payers/pay_by_card.py",
    "operations/payers/pay_by_transfer.py",
    "operations/payers/payers_word.py",
    "operations/payers/promise.py",
    "operations/payers/question.py",
    "operations/autopay/agree.py",
    "operations/plans/agree_plan.py",
    "operations/plans/pay_instalment.py",
    "web/days.py",
    "web/portal.py",
    "web/portal_autopay.py",
    "web/portal_formats.py",
    "web/portal_plan.py",
)
NOT_FOR_PAYERS = {
    "there is no such organisation",
    "there is no such customer",
    "there is no such plan that is running",
    "no processor is connected that could take cards: connect Stripe first",
    "offer payers to pay by card first: transfers come beside it",
    "no processor is connected that could take payments: connect Stripe first",
    "no question about this invoice waits (any more)",
    "this invoice is not contested (any more)",
    "payers may agree on %(least)s to %(most)s instalments, or on none (0)",
    "what is agreed to must be said in at most %(longest)s characters",
    "note in at most %(longest)s characters what was agreed, and how",
}


def _said_in_templates() -> Iterator[str]:
    for template in sorted((WEB / "templates").glob("*.html")):
        with template.open("rb") as file:
            for _, _, message, _ in babel_extract(file, ["_", "gettext"], [], {"extensions": "jinja2.ext.i18n"}):
                assert isinstance(message, str), f"{template.name}: {message}"
                yield message


def _refusals(room: str) -> Iterator[str]:
    """What is refused in a room, with the places that are filled in later: nothing may be filled in before."""
    path = WEB.parent / room
    constants = {
        target.id: node.value.value
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _SAID:
            words = node.args[_SAID[node.func.id]]
            if isinstance(words, ast.Name):  # a line of this room, or of another one that is looked through too
                yield str(constants.get(words.id, ""))
                continue
            assert isinstance(words, ast.Constant), f"{room}:{node.lineno}: fill places by values, so they can be told"
            yield str(words.value)


def _wanted() -> set[str]:
    said = {
        *_said_in_templates(),
        *PLURALS,
        "due today",
        *words.RECEIPT_STATUS.values(),
        *words.PAYERS_CHANNELS.values(),
        *words.INVOICE_FORMATS.values(),
    }
    return said | {words.NOTICES[code] for code in PAYERS_NOTICES}


def _catalog(code: str) -> Catalog:
    with (WEB / "locale" / f"{code}.po").open("rb") as file:
        return read_po(file, locale=code, abort_invalid=True)


def _pairs(message: Message) -> Iterator[tuple[str, str]]:
    """Each form of a message with its translation; both languages have two forms, as English has."""
    forms = (message.id, message.string)
    originals, translations = forms if message.pluralizable else ((each,) for each in forms)
    for original, translation in zip(originals or (), translations or (), strict=True):
        yield str(original), str(translation)


@pytest.mark.parametrize("code", TRANSLATED)
def test_everything_that_a_payer_reads_is_translated(code: str) -> None:
    catalog = {message.id[0] if message.pluralizable else message.id: message for message in _catalog(code)}
    assert not _wanted() - catalog.keys()
    for message in catalog.values():
        assert not message.fuzzy
        for original, translation in _pairs(message):
            assert translation or not original
            assert not original or set(PLACE.findall(original)) == set(PLACE.findall(translation)), original


@pytest.mark.parametrize("code", TRANSLATED)
@pytest.mark.parametrize("room", PAYERS_ROOMS)
def test_what_is_refused_to_a_payer_is_translated(code: str, room: str) -> None:
    known = {message.id for message in _catalog(code)}
    assert not {words for words in _refusals(room) if words} - known - NOT_FOR_PAYERS


@pytest.mark.parametrize("code", TRANSLATED)
def test_no_translation_outlives_its_words(code: str) -> None:
    source = " ".join(
        path.read_text(encoding="utf-8")
        for folder in (WEB, WEB.parent / "operations")
        for path in sorted(folder.rglob("*.py"))
    )
    known = {message.id for message in _catalog(code) if isinstance(message.id, str) and message.id}
    assert not {each for each in known - _wanted() if f'"{each}"' not in source}


@pytest.mark.parametrize(
    ("chosen", "accepted", "fallback", "is_read"),
    [
        (None, "", "en-GB", "en"),
        (None, "", "de", "de"),
        (None, "fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7", "de", "fr"),
        (None, "es, de;q=0.5", "en-GB", "de"),
        (None, "es", "fr", "fr"),
        (None, "not, a ; header;q=", "de", "de"),
        ("de", "fr", "en-GB", "de"),
        ("xx", "fr", "en-GB", "fr"),
    ],
)
def test_what_a_payer_chose_comes_first_then_what_their_browser_asks_for(
    chosen: str | None, accepted: str, fallback: str, is_read: str
) -> None:
    assert choose(chosen=chosen, accepted=accepted, fallback=fallback) == is_read


def test_a_payer_reads_in_their_browsers_language_until_they_choose(site: Site) -> None:
    german = {"Accept-Language": "de-AT,de;q=0.9"}
    page = site.http.get(f"/p/{site.token()}", headers=german).text
    assert '<html lang="de">' in page
    assert "Offene Rechnungen" in page
    assert "1.330,50\xa0£" in page
    refused = site.http.post(f"/p/{site.token()}/checkout", headers=german)
    assert "Kartenzahlung wird hier nicht angeboten" in refused.text
    assert site.http.post(f"/p/{site.token()}/language", data={"language": "fr"}).status_code == 303
    assert "Factures à régler" in site.http.get(f"/p/{site.token()}", headers=german).text
    pay = site.http.get(f"/p/{site.token()}/pay/inv-3", headers=german).text
    assert "Payer par virement" in pay
    assert "Compte de Acme Trading Ltd" in pay


def test_a_refusal_says_its_numbers_in_the_payers_language(site: Site) -> None:
    german = {"Accept-Language": "de"}
    promised = {"promised_on": "2999-01-01"}
    refused = site.http.post(f"/p/{site.token()}/promise/inv-3", data=promised, headers=german)
    assert (refused.status_code, "zwischen heute und in" in refused.text) == (400, True)
    assert "%(" not in refused.text


def test_a_language_that_is_not_written_is_refused(site: Site) -> None:
    answer = site.http.post(f"/p/{site.token()}/language", data={"language": "xx"})
    assert (answer.status_code, "choose one of these languages" in answer.text) == (400, True)


def test_a_link_that_opens_nothing_says_so_in_the_browsers_language(site: Site) -> None:
    assert "Ce lien n’est plus valable" in site.http.get("/p/nothing", headers={"Accept-Language": "fr"}).text


@pytest.mark.parametrize(
    ("chosen", "country", "tag"),
    [
        (None, "DE", "de"),
        (None, "US", "en-US"),
        (None, None, "en-GB"),
        ("en", "US", "en-US"),
        ("en", "DE", "en-GB"),
        ("fr", "US", "fr"),
        ("de", "AT", "de"),
    ],
)
def test_messages_are_written_in_the_chosen_language(
    site: Site, chosen: str | None, country: str | None, tag: str
) -> None:
    with site.app.store.write() as db:
        db.execute(update(t.customer).where(t.customer.c.id == "acme").values(language=chosen))
        assert language_for(db, "org-a", "acme", country) == tag
