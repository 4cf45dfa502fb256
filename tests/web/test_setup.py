"""Setting an organisation up in a browser: making it, the sending switch, what its bank accounts prove."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, insert, select

from runtime.operations import organisations
from runtime.store import tables as t
from runtime.web.guards import MAX_FORM_BYTES
from sandbox.estate import Estate
from tests.http_client import client_of
from tests.web.build import TODAY, Books, Time, ledger_accounts, running
from tests.web.conftest import Site
from tests.web.serving import serving

FIRM = {"name": "Quay & Sons", "currency": "eur", "time_zone": "Europe/Dublin", "country": "ie"}
STATEMENTS = {"handle": "090", "proof": "statement", "identification": "GB00 test"}


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Site]:
    """A product without any organisation."""
    with running(tmp_path) as (app, time), serving(app) as address, client_of(address) as http:
        yield Site(app, time, address, http)


def _organisations(site: Site) -> list[Any]:
    with site.app.store.read() as db:
        return list(db.execute(select(t.organisation)))


def _banks(site: Site, organisation_id: str = "org-a") -> dict[str, tuple[Any, ...]]:
    mine = t.bank_account.c.organisation_id == organisation_id
    with site.app.store.read() as db:
        return {
            row.identification: (row.ledger_account, row.declares, row.attested_by)
            for row in db.execute(select(t.bank_account).where(mine))
        }


def _prove(site: Site, **form: str) -> httpx.Response:
    return site.http.post("/o/org-a/settings/bank", data=form)


def _second_account(site: Site, *, organisation_id: str = "org-a", handle: str = "091") -> None:
    ledger_accounts(site.app, organisation_id, {handle: "Deposit account"}, currency="GBP")


def test_a_person_says_once_whether_something_else_reminds(site: Site) -> None:
    assert "Not said" in site.http.get("/o/org-a/settings").text
    answer = site.http.post("/o/org-a/settings/others", data={"others": "yes"}, follow_redirects=True)
    assert "Switch it off there" in answer.text
    assert "Something does" in answer.text
    site.http.post("/o/org-a/settings/others", data={"others": "no"})
    said = [row.others_remind for row in _organisations(site) if row.id == "org-a"]
    assert said == [False]
    assert site.http.post("/o/org-a/settings/others", data={"others": "perhaps"}).status_code == 400


def test_the_first_run_makes_an_organisation_and_leads_to_its_connections(empty: Site) -> None:
    assert 'action="/organisations"' in empty.http.get("/").text
    answer = empty.http.post("/organisations", data=FIRM)
    (row,) = _organisations(empty)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/o/{row.id}/connections?notice=created")
    assert (row.name, row.base_currency, row.time_zone, row.country) == ("Quay & Sons", "EUR", "Europe/Dublin", "IE")
    assert not row.sending_on
    text = empty.http.get(f"/o/{row.id}/connections?notice=created").text
    assert "Connect its ledger first" in text
    assert "Quay &amp; Sons" in text
    assert empty.http.get("/").headers["location"] == f"/o/{row.id}"


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"name": "  "}, "Give the organisation a name."),
        ({"name": "x" * 201}, "The name is longer than 200 characters."),
        ({"name": "a\0b"}, "Give the organisation a name."),
        ({"currency": "EURO"}, "Unknown currency"),
        ({"currency": ""}, "Unknown currency"),
        ({"time_zone": "Mars/Base"}, "is not a time zone such as Europe/Dublin"),
        ({"time_zone": "../../etc/passwd"}, "is not a time zone such as Europe/Dublin"),
        ({"country": "Ireland"}, "is not a country of two letters such as IE"),
        ({"country": "ÄÖ"}, "is not a country of two letters such as IE"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_and_the_rest_is_kept(empty: Site, wrong: dict[str, str], line: str) -> None:
    answer = empty.http.post("/organisations", data=FIRM | wrong)
    assert answer.status_code == 400
    (said,) = [each for each in answer.text.splitlines() if 'role="alert"' in each]
    assert line in said
    assert ('value="Europe/Dublin"' in answer.text) or "time_zone" in wrong
    assert _organisations(empty) == []


def test_another_organisation_can_be_added(site: Site) -> None:
    for path in ("/", "/o/org-a/settings"):
        assert 'href="/organisations/new"' in site.http.get(path).text
    assert site.http.get("/organisations/new").status_code == 200
    before = len(_organisations(site))
    assert site.http.post("/organisations", data=FIRM).status_code == 303
    assert len(_organisations(site)) == before + 1


def test_the_switch_is_moved_and_written_down(site: Site) -> None:
    for sending, is_on in (("off", False), ("on", True)):
        answer = site.http.post("/o/org-a/settings/sending", data={"sending": sending})
        assert answer.headers["location"] == f"/o/org-a/settings?notice=sending_{sending}"
        states = {row.id: row.sending_on for row in _organisations(site)}
        assert states == {"org-a": is_on, "org-b": True}
    with site.app.store.read() as db:
        details = db.scalars(select(t.event.c.detail).where(t.event.c.action == "sending_switched"))
        assert list(details) == ["off", "on"]


def test_thanking_is_off_until_it_is_switched_on(site: Site) -> None:
    page = "/o/org-a/settings"
    assert "Thank payers" in site.http.get(page).text
    assert site.http.post(f"{page}/thanks", data={"thanks": "on"}).headers["location"] == f"{page}?notice=thanks_on"
    assert "Thank nobody" in site.http.get(page).text
    assert "Thank payers" in site.http.get("/o/org-b/settings").text
    site.http.post(f"{page}/thanks", data={"thanks": "off"})
    assert "Thank payers" in site.http.get(page).text


def test_the_ledgers_history_is_told_nothing_until_it_is_switched_on(site: Site) -> None:
    page = "/o/org-a/settings"
    assert ">Tell the ledger<" in site.http.get(page).text
    answer = site.http.post(f"{page}/ledger-history", data={"history": "on"})
    assert answer.headers["location"] == f"{page}?notice=history_on"
    assert "Tell nothing more" in site.http.get(page).text
    site.http.post(f"{page}/ledger-history", data={"history": "off"})
    assert ">Tell the ledger<" in site.http.get(page).text
    with site.app.store.read() as db:
        switched = db.execute(select(t.event).where(t.event.c.action == "ledger_history_switched")).all()
    assert [(row.actor, row.detail) for row in switched] == [("owner", "on"), ("owner", "off")]


def test_a_limit_is_counted_for_the_organisation_alone_until_it_is_shared(site: Site) -> None:
    page = "/o/org-a/settings"
    assert ">Share the limit<" in site.http.get(page).text
    answer = site.http.post(f"{page}/shared-limit", data={"shared": "on"})
    assert answer.headers["location"] == f"{page}?notice=limit_sharing_on"
    shown = site.http.get(page).text
    assert ">Count by itself<" in shown
    assert ">Share the limit<" in site.http.get("/o/org-b/settings").text
    with site.app.store.read() as db:
        key = db.scalar(select(t.organisation.c.limit_key).where(t.organisation.c.id == "org-a"))
        switched = db.execute(select(t.event).where(t.event.c.action == "limit_sharing_switched")).all()
    assert key and key not in shown
    assert [(row.actor, row.detail) for row in switched] == [("owner", "on")]


def test_settings_say_which_mail_settings_are_missing(site: Site, tmp_path: Path) -> None:
    text = site.http.get("/o/org-a/settings").text
    assert "nothing can be sent" in text
    assert "<code>TRUEDUE_SMTP_HOST</code> and <code>TRUEDUE_MAIL_FROM</code>" in text
    folder = tmp_path / "with_mail"
    folder.mkdir()
    with running(folder, smtp_host="mail.example", mail_from="a@b.example") as (app, _):
        Books(app, "org-a", "Mailing").bank(TODAY)
        with serving(app) as address, client_of(address) as http:
            text = http.get("/o/org-a/settings").text
    assert "A mail server is set up." in text
    assert "TRUEDUE_SMTP_HOST" not in text


def test_a_bank_account_is_proved_by_statement_files_that_were_seen(site: Site) -> None:
    _second_account(site)
    assert "Nothing declared" in site.http.get("/o/org-a/settings").text
    with site.app.store.write() as db:
        db.execute(
            insert(t.bank_account).values(
                id="bnk-seen",
                organisation_id="org-a",
                identification="GB77SEEN",
                currency="GBP",
                declares="statement",
                evidence_until=TODAY - timedelta(days=3),
            )
        )
    assert '<option value="GB77SEEN">' in site.http.get("/o/org-a/settings").text
    answer = _prove(site, handle="091", proof="statement", identification=" gb77 seen ")
    assert (answer.status_code, answer.headers["location"]) == (303, "/o/org-a/settings?notice=declared")
    assert _banks(site)["GB77SEEN"] == ("091", "statement", None)
    text = site.http.get("/o/org-a/settings").text
    assert "proved until 7 Mar 2026" in text
    assert "Nothing declared" not in text


def test_a_ledger_account_has_one_declaration(site: Site) -> None:
    assert _prove(site, handle="090", proof="statement", identification="GB88NEW").status_code == 303
    assert _banks(site) == {"GB00TEST": (None, "statement", None), "GB88NEW": ("090", "statement", None)}
    assert _prove(site, handle="090", proof="attested", attested_by=" Dana Fenwick ").status_code == 303
    assert _banks(site)["GB88NEW"] == ("090", "attested", "Dana Fenwick")
    assert "Dana Fenwick attests" in site.http.get("/o/org-a/settings").text
    assert _prove(site, **STATEMENTS).status_code == 303
    assert _banks(site) == {"GB00TEST": ("090", "statement", None), "GB88NEW": (None, "statement", None)}
    # What was replaced and never seen in a statement is no bank account any more.
    assert "GB88NEW" not in site.http.get("/o/org-a/connections").text


def test_what_was_declared_before_stays_when_the_new_declaration_fails(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("the database is full")

    before = _banks(site)
    with monkeypatch.context() as patch:
        patch.setattr(organisations, "upsert", fails)
        assert _prove(site, handle="090", proof="statement", identification="GB88NEW").status_code == 500
    assert _banks(site) == before


def test_one_account_of_another_organisation_with_the_same_handle_is_left_alone(site: Site) -> None:
    Books(site.app, "org-c", "Same handles").bank(TODAY)
    _prove(site, handle="090", proof="statement", identification="GB88NEW")
    assert _banks(site, "org-c") == {"GB00TEST": ("090", "statement", None)}


@pytest.mark.parametrize(
    ("form", "line"),
    [
        (STATEMENTS | {"handle": "999"}, "the ledger has no bank account 999"),
        (STATEMENTS | {"handle": "091"}, "the ledger has no bank account 091"),  # of another organisation
        (STATEMENTS | {"identification": " "}, "name the account number or IBAN"),
        (STATEMENTS | {"identification": "a\0b"}, "name the account number or IBAN"),
        (STATEMENTS | {"identification": "1" * 65}, "longer than 64 characters"),
        (STATEMENTS | {"identification": "DE00EURO"}, "are in EUR, but Current account is kept in GBP"),
        (STATEMENTS | {"proof": "live_feed"}, "proof"),
        ({"handle": "090", "proof": "attested", "attested_by": "  "}, "name the person who attests"),
        ({"handle": "090", "proof": "attested", "attested_by": "x" * 201}, "longer than 200 characters"),
        ({"proof": "attested", "attested_by": "Dana"}, "handle"),
    ],
)
def test_a_proof_that_cannot_be_is_refused(site: Site, form: dict[str, str], line: str) -> None:
    _second_account(site, organisation_id="org-b")
    with site.app.store.write() as db:
        db.execute(
            insert(t.bank_account).values(
                id="bnk-euro",
                organisation_id="org-a",
                identification="DE00EURO",
                currency="EUR",
                declares="statement",
                evidence_until=TODAY,
            )
        )
    before = _banks(site)
    answer = _prove(site, **form)
    assert answer.status_code == 400
    assert line in answer.text
    assert "Nothing was changed" in answer.text
    assert _banks(site) == before


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/organisations", FIRM),
        ("/o/org-a/settings/sending", {"sending": "off"}),
        ("/o/org-a/settings/bank", {"handle": "090", "proof": "attested", "attested_by": "A Stranger"}),
    ],
)
def test_the_forms_are_guarded(site: Site, path: str, form: dict[str, str]) -> None:
    def state() -> tuple[object, ...]:
        with site.app.store.read() as db:
            return _organisations(site), _banks(site), db.scalar(select(func.count()).select_from(t.event))

    before = state()
    assert site.http.post(path, data=form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert site.http.post(path, data=form, headers={"Origin": "https://attacker.example"}).status_code == 403
    assert site.http.post(path, content=b"x" * (MAX_FORM_BYTES + 1)).status_code == 413
    if path.startswith("/o/"):
        assert site.http.post(path.replace("org-a", "nobody"), data=form).status_code == 404
    assert state() == before


def test_a_switch_goes_on_or_off(site: Site) -> None:
    for form in ({}, {"sending": "maybe"}):
        assert site.http.post("/o/org-a/settings/sending", data=form).status_code == 400


def test_the_overview_says_in_one_line_what_prevents_sending(tmp_path: Path) -> None:
    mail = {"smtp_host": "mail.example", "mail_from": "a@b.example"}
    with running(tmp_path, **mail) as (app, time):
        books = Books(app, "org-a", "Harbour Joinery Ltd")
        with serving(app) as address, client_of(address) as http:
            site = Site(app, time, address, http)

            def said() -> str:
                text = http.get("/o/org-a").text
                return next((line for line in text.splitlines() if "Nothing is sent:" in line), "")

            assert 'href="/o/org-a/settings"' in said()
            assert "Nothing is sent: no ledger is connected. <" in said()
            books.connection("xero", "ledger")
            assert "Nothing is sent: no bank account of the ledger was read yet. <" in said()
            books.bank(TODAY)
            assert said() == ""
            assert "Reminders are switched on." in http.get("/o/org-a").text
            _second_account(site)
            assert "Nothing is sent: nothing is declared for the bank account Deposit account. <" in said()
            _second_account(site, handle="092")
            http.post("/o/org-a/settings/sending", data={"sending": "off"})
            both = "Nothing is sent: nothing is declared for 2 bank accounts; sending is switched off. <"
            assert both in said()
            assert both.removesuffix(" <") in http.get("/o/org-a/settings").text


def test_the_overview_names_a_missing_mail_server(site: Site) -> None:
    assert "Nothing is sent: no mail server is set up. <" in site.http.get("/o/org-a").text


@pytest.mark.parametrize("host", ["pay.harbour.example", "127.0.0.1:8000"])
def test_a_consent_ends_on_a_page_that_the_host_serves(tmp_path: Path, host: str) -> None:
    """The whole way over a stand-in's consent page, and back to the address that the vendor was given."""
    with Estate(clock=Time(), couriers=False) as estate:
        books = estate.xero.add_organisation(name="Harbour <Joinery>", base_currency="GBP", short_code="!h")
        environment = {name.removeprefix("TRUEDUE_").lower(): value for name, value in estate.environment.items()}
        with running(tmp_path, public_url=f"http://{host}", **environment) as (app, _):
            Books(app, "org-a", "Harbour Joinery Ltd")
            woken: list[int] = []
            app.wake = lambda _after=0.0: woken.append(1)
            with serving(app) as address, client_of(address, timeout=20, trust_env=False) as http:
                consent = http.get("/connect/xero?organisation=org-a").headers["location"]
                back = httpx.URL(http.get(f"{consent}&login_hint={books.tenant_id}").headers["location"])
                assert back.netloc.decode() == host
                path = back.raw_path.decode()
                answer = http.get(path, headers={"Host": host})
                again = http.get(path, headers={"Host": host})
            with app.store.read() as db:
                assert db.scalars(select(t.connection.c.account)).all() == [books.tenant_id]
    assert woken == [1]
    assert again.status_code == 400  # the state was used up
    if host.startswith("127."):
        assert (answer.status_code, answer.headers["location"]) == (303, "/o/org-a/connections?notice=connected")
        return
    assert answer.status_code == 200
    assert "Connected: Xero" in answer.text
    assert "Harbour &lt;Joinery&gt; is connected" in answer.text
    assert "You can close this page." in answer.text
    assert "/o/org-a" not in answer.text
    assert 'href="/"' not in answer.text  # no way to a page that does not answer there


def test_what_would_have_been_sent_is_shown_before_sending_is_switched_on(site: Site) -> None:
    page = "/o/org-a/settings"
    assert "would have gone to" not in site.http.get(page).text, "it is on: nobody asked"
    asked = site.http.get(page, params={"from": "2026-01-01", "to": "2026-03-09"}).text
    assert "would have gone to" in asked
    site.http.post(f"{page}/sending", data={"sending": "off"})
    text = site.http.get(page).text
    assert "would have gone to" in text
    assert 'value="2026-02-08"' in text


def test_where_much_is_open_the_days_are_played_only_when_somebody_asks(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.web.setup.MAX_REPLAYED_UNASKED", 2)
    page = "/o/org-a/settings"
    site.http.post(f"{page}/sending", data={"sending": "off"})
    text = site.http.get(page).text
    assert "would have gone to" not in text
    assert "Play these days" in text
    assert "would have gone to" in site.http.get(page, params={"from": "2026-02-01"}).text


@pytest.mark.parametrize("days", [{"from": "2026-03-05", "to": "2026-03-01"}, {"to": "2026-03-10"}])
def test_days_that_cannot_be_replayed_are_refused_in_words(site: Site, days: dict[str, str]) -> None:
    answer = site.http.get("/o/org-a/settings", params=days)
    assert answer.status_code == 400
    assert "backwards" in answer.text or "is not past" in answer.text
