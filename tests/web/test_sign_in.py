"""Signing in at Xero's stand-in over loopback: who is let in, what an id token must prove, and how long it lasts."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Table, delete, func, select
from sqlalchemy.exc import IntegrityError

from runtime.operations.people import sessions
from runtime.operations.people.members import INVITATION_LIFETIME, invite
from runtime.operations.people.sessions import IDLE, LONGEST
from runtime.operations.people.sign_in import ATTEMPT_LIFETIME
from runtime.roles import MemberRole
from runtime.store import tables as t
from runtime.web.signing_in import ATTEMPT_COOKIE
from runtime.web.visitor import SESSION_COOKIE
from sandbox.openid import Signer, Visitor, new_key
from sandbox.quickbooks import QuickBooksStandIn
from sandbox.server import serve
from sandbox.xero import XeroStandIn
from tests.http_client import client_of
from tests.web.build import NOW, Books, Time
from tests.web.people import ORIGIN, Browser, PublicSite, csrf_of, public_site

SAM = Visitor("sub-sam", "Sam@Example.com", "Sam", "Keeper")
Claims = dict[str, Any]


@dataclass
class House:
    """The site with a vendor's stand-in beside it."""

    site: PublicSite
    standin: XeroStandIn | QuickBooksStandIn
    system: str = "xero"
    account: str = ""

    def sits_down(self, who: Visitor) -> None:
        self.standin.signer.visitor = who

    def invitation(self, email: str = "sam@example.com", role: MemberRole = MemberRole.ACCOUNTANT) -> str:
        link = invite(self.site.app, organisation_id="org-a", email=email, role=role, actor="owner")
        return link.removeprefix(f"{ORIGIN}/join/")

    def begin(self, query: str = "") -> tuple[str, str]:
        """Begin to sign in: the address that Xero sends the browser back to, and what the browser keeps."""
        answer = self.site.http.get(f"/sign-in/{self.system}{query}")
        assert answer.status_code == 303, answer.text
        kept = _cookies(answer)[ATTEMPT_COOKIE].value
        back = _sent_back(answer.headers["location"])
        assert back.startswith(f"{ORIGIN}/sign-in/{self.system}/callback?")
        return back.removeprefix(ORIGIN), kept

    def finish(self, path: str, kept: str, secret: str = "") -> httpx.Response:
        session = f"; {SESSION_COOKIE}={secret}" if secret else ""
        return self.site.http.get(path, headers={"Cookie": f"{ATTEMPT_COOKIE}={kept}{session}"})

    def sign_in(self, query: str = "", secret: str = "") -> httpx.Response:
        return self.finish(*self.begin(query), secret)

    def come_in(self, invitation: str = "", secret: str = "") -> Browser:
        answer = self.sign_in(f"?invitation={invitation}" if invitation else "", secret)
        assert answer.status_code == 303, answer.text
        secret = _cookies(answer)[SESSION_COOKIE].value
        return Browser(self.site.http, secret, csrf_of(secret))

    def count(self, table: Table) -> int:
        with self.site.app.store.read() as db:
            return int(db.scalar(select(func.count()).select_from(table)) or 0)


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _sent_back(page: str) -> str:
    """Where a vendor's page of consent sends the browser, whose person agrees."""
    with client_of("") as browser:
        return str(browser.get(page).headers["location"])


def _cookies(answer: httpx.Response) -> SimpleCookie:
    cookies = SimpleCookie()
    for line in answer.headers.get_list("set-cookie"):
        cookies.load(line)
    return cookies


@contextmanager
def _house(folder: Path, **settings: str) -> Iterator[House]:
    xero = XeroStandIn(clock=Time(), client_id="client", client_secret="not-a-secret", webhook_key="not-a-key")
    served = serve(xero)
    with ExitStack() as stack:
        stack.callback(served.stop)
        site = stack.enter_context(public_site(folder, xero_identity_url=served.url, **settings))
        xero.clock = xero.oauth.clock = site.time
        house = House(site, xero)
        house.sits_down(SAM)
        yield house


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with _house(tmp_path_factory.mktemp("sign-in")) as house:
        yield house


@pytest.fixture
def house(standing: House) -> House:
    """The house as it stands at the beginning, with nobody in it."""
    standing.site.time.now = NOW
    standing.standin.signer.visitor = SAM
    with standing.site.app.store.write() as db:
        for table in (t.session, t.membership, t.invitation, t.identity, t.person):
            db.execute(delete(table))
    return standing


def test_an_invitation_lets_its_address_in_once_and_as_what_it_says(house: House) -> None:
    secret = house.invitation()
    shown = house.site.http.get(f"/join/{secret}")
    assert "Join Harbour Joinery Ltd" in shown.text and "Accountant" in shown.text
    browser = house.come_in(secret)
    assert browser.get("/").headers["location"] == "/o/org-a"
    assert "sam@example.com" in browser.get("/o/org-a").text
    assert browser.get("/o/org-b").status_code == 404
    assert browser.get("/o/org-a/people").status_code == 403, "an accountant invites nobody"
    assert house.site.http.get(f"/join/{secret}").status_code == 404
    house.sits_down(replace(SAM, subject="sub-second"))
    assert house.sign_in(f"?invitation={secret}").status_code == 409, "it serves once"


def test_who_is_a_member_signs_in_again_without_an_invitation_and_is_the_same_person(house: House) -> None:
    house.come_in(house.invitation())
    house.sits_down(replace(SAM, email="sam.new@example.com"))
    assert house.come_in().get("/").headers["location"] == "/o/org-a"
    assert house.count(t.person) == 1


def test_nobody_comes_in_by_an_equal_address_alone(house: House) -> None:
    house.invitation()
    answer = house.sign_in()
    assert answer.status_code == 409
    assert "nobody has invited" in answer.text
    assert SESSION_COOKIE not in _cookies(answer)
    assert house.count(t.person) == house.count(t.session) == house.count(t.membership) == 0


def test_an_invitation_serves_nobody_with_another_address(house: House) -> None:
    secret = house.invitation("owner@example.com", MemberRole.OWNER)
    answer = house.sign_in(f"?invitation={secret}")
    assert (answer.status_code, "is for owner@example.com" in answer.text) == (409, True)
    assert house.count(t.membership) == 0
    assert house.site.http.get(f"/join/{secret}").status_code == 200, "it waits for its own person"


def test_an_invitation_ends(house: House) -> None:
    secret = house.invitation()
    house.site.time.now += INVITATION_LIFETIME
    assert house.site.http.get(f"/join/{secret}").status_code == 404
    assert house.sign_in(f"?invitation={secret}").status_code == 409


def test_a_second_invitation_ends_the_first_and_an_owner_stays_one(house: House) -> None:
    first = house.invitation()
    second = house.invitation(role=MemberRole.VIEWER)
    assert house.sign_in(f"?invitation={first}").status_code == 409
    assert house.come_in(second).post("/o/org-a/review/rcp-1/confirm").status_code == 403


def test_anybody_may_sign_up_where_that_is_allowed_and_owns_what_they_make(tmp_path: Path) -> None:
    with _house(tmp_path, sign_up="anyone") as house:
        browser = house.come_in()
        assert "Welcome" in browser.get("/").text
        form = {"name": "Sam's Shed", "currency": "GBP", "time_zone": "Europe/London", "country": "GB"}
        made = browser.post("/organisations", form).headers["location"].split("/")[2]
        assert browser.get(f"/o/{made}/people").status_code == 200
        assert browser.get("/o/org-a").status_code == 404
        assert "Harbour" not in browser.get("/").text


def _unsigned(claims: Claims) -> str:
    head, body, _ = Signer().sign(claims).split(".")
    nothing = json.loads(_decoded(head)) | {"alg": "none"}
    return f"{_encoded(json.dumps(nothing).encode())}.{body}."


def _without(name: str) -> Callable[[Claims], Claims]:
    return lambda claims: {each: value for each, value in claims.items() if each != name}


_FORGERIES: list[Callable[[Claims], Claims]] = [
    lambda claims: claims | {"iss": "https://identity.example.com"},
    lambda claims: claims | {"aud": "another app"},
    lambda claims: claims | {"aud": ["client", "another app"]},
    lambda claims: claims | {"azp": "another app"},
    lambda claims: claims | {"exp": claims["iat"] - 3600},
    lambda claims: claims | {"iat": claims["iat"] + 3600, "exp": claims["exp"] + 3600},
    lambda claims: claims | {"nonce": "of another sign-in"},
    *(_without(name) for name in ("nonce", "exp", "iat", "sub", "iss", "aud", "email")),
]


def test_an_answer_that_does_not_prove_who_signed_in_opens_nothing(house: House) -> None:
    secret, signer = house.invitation(), house.standin.signer
    impostor = Signer(key_id=signer.key_id, key=new_key())
    true = signer.sign
    forgeries: list[Callable[[Claims], str]] = [impostor.sign, _unsigned]
    forgeries += [lambda claims, forge=forge: true(forge(claims)) for forge in _FORGERIES]  # type: ignore[misc]
    for number, forge in enumerate(forgeries):
        path, kept = house.begin(f"?invitation={secret}")
        signer.sign = forge  # type: ignore[method-assign, assignment]
        answer = house.finish(path, kept)
        assert answer.status_code == 400, (number, answer.text)
        assert SESSION_COOKIE not in _cookies(answer)
    assert house.count(t.session) == house.count(t.person) == 0
    del signer.sign
    house.come_in(secret)


def test_only_the_browser_that_began_comes_back_and_only_for_a_while(house: House) -> None:
    house.come_in(house.invitation())
    path, kept = house.begin()
    _, others = house.begin()
    for wrong in ("", "nonsense", others):
        assert house.finish(path, wrong).status_code == 409
    assert house.finish(path.replace("state=", "state=x"), kept).status_code == 409
    house.site.time.now += ATTEMPT_LIFETIME
    assert house.finish(path, kept).status_code == 409


def test_a_code_serves_once(house: House) -> None:
    house.come_in(house.invitation())
    path, kept = house.begin()
    assert house.finish(path, kept).status_code == 303
    assert house.finish(path, kept).status_code == 400


def test_every_sign_in_makes_a_new_session_and_ends_the_one_before(house: House) -> None:
    first = house.come_in(house.invitation())
    planted = "a" * 43
    second = house.come_in(secret=planted)
    assert second.secret not in (first.secret, planted), "a session that somebody planted becomes nobody's"
    third = house.come_in(secret=first.secret)
    assert first.get("/o/org-a").status_code == 303
    assert third.get("/o/org-a").status_code == second.get("/o/org-a").status_code == 200
    with house.site.app.store.read() as db:
        assert third.secret not in db.scalars(select(t.session.c.digest)).all(), "only its digest is kept"


def test_a_session_ends_when_it_is_idle_and_at_last_in_any_case(house: House) -> None:
    browser = house.come_in(house.invitation())
    began = house.site.time.now
    house.site.time.now += IDLE - timedelta(seconds=1)
    assert browser.get("/o/org-a").status_code == 200
    while house.site.time.now + IDLE / 2 < began + LONGEST:
        house.site.time.now += IDLE / 2
        assert browser.get("/o/org-a").status_code == 200
    house.site.time.now = began + LONGEST
    assert browser.get("/o/org-a").status_code == 303
    idle = house.come_in()
    house.site.time.now += IDLE
    assert idle.get("/o/org-a").status_code == 303


def test_signing_out_ends_the_session_not_only_the_cookie(house: House) -> None:
    browser = house.come_in(house.invitation())
    assert Browser(house.site.http, browser.secret).post("/sign-out").status_code == 403, "not without its token"
    assert browser.post("/sign-out").headers["location"] == "/sign-in?notice=signed_out"
    assert browser.get("/o/org-a").status_code == 303


def test_one_person_has_a_bounded_number_of_sessions(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MAX_SESSIONS", 2)
    first = house.come_in(house.invitation())
    for _ in range(2):
        house.site.time.now += timedelta(seconds=1)
        house.come_in()
    assert house.count(t.session) == 2
    assert first.get("/o/org-a").status_code == 303


def test_cookies_are_this_hosts_alone_and_no_scripts(house: House) -> None:
    path, kept = house.begin(f"?invitation={house.invitation()}")
    begun = house.site.http.get("/sign-in/xero").headers.get_list("set-cookie")
    done = house.finish(path, kept).headers.get_list("set-cookie")
    for line in [*begun, *done]:
        assert line.startswith("__Host-")
        parts = {part.strip().lower() for part in line.split(";")[1:]}
        assert {"secure", "httponly", "path=/", "samesite=lax"} <= parts
        assert not any(part.startswith("domain") for part in parts)


def test_nobody_is_led_elsewhere_after_signing_in(house: House) -> None:
    house.come_in(house.invitation())
    for back in ("//evil.example", "https://evil.example", "/\\evil.example", "evil", "/x\r\ny", "/%0d" + "x" * 600):
        path, kept = house.begin("?" + str(httpx.QueryParams({"back": back}))) if len(back) < 500 else house.begin()
        assert house.finish(path, kept).headers["location"] == "/"


def test_a_page_that_was_asked_for_comes_after_signing_in(house: House) -> None:
    house.come_in(house.invitation())
    answer = house.site.http.get("/o/org-a/invoices?state=due")
    assert answer.headers["location"] == "/sign-in?back=/o/org-a/invoices%3Fstate%3Ddue"
    (address,) = [part.split('"')[0] for part in house.site.http.get(answer.headers["location"]).text.split('href="')
                  if part.startswith("/sign-in/xero")]  # fmt: skip
    path, kept = house.begin(address.removeprefix("/sign-in/xero").replace("&amp;", "&"))
    assert house.finish(path, kept).headers["location"] == "/o/org-a/invoices?state=due"


def test_only_who_began_to_connect_ends_it(house: House) -> None:
    owner = house.site.browser("boss", org_a=MemberRole.OWNER)
    mallory = house.site.browser("mallory", org_b=MemberRole.OWNER)
    address = mallory.get("/connect/stripe?organisation=org-b")
    assert address.status_code == 400, "Stripe has no client here"
    begun = mallory.get("/connect/xero?organisation=org-b").headers["location"]
    back = _sent_back(begun).removeprefix(ORIGIN)
    for visitor in (owner, house.site.stranger()):
        answer = visitor.get(back)
        assert (answer.status_code, "somebody else" in answer.text) == (400, True)
    assert house.count(t.connection) == 2, "nothing was connected"


@pytest.fixture(scope="module")
def intuit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The site with Intuit's stand-in beside it."""
    quickbooks = QuickBooksStandIn(
        clock=Time(), client_id="client", client_secret="not-a-secret", verifier_token="not-a-token"
    )
    realm = quickbooks.add_company(name="Harbour Joinery", home_currency="GBP")
    served = serve(quickbooks)
    with ExitStack() as stack:
        stack.callback(served.stop)
        named = {"client_id": "client", "client_secret": "not-a-secret", "identity_url": served.url}
        settings = {f"quickbooks_{name}": value for name, value in named.items()}
        site = stack.enter_context(public_site(tmp_path_factory.mktemp("intuit"), **settings))
        quickbooks.clock = quickbooks.oauth.clock = site.time
        quickbooks.signer.visitor = SAM
        yield House(site, quickbooks, "quickbooks", realm.realm_id)


def test_a_verified_address_at_intuit_is_let_in_without_the_link_and_no_other(intuit: House) -> None:
    intuit.invitation()
    intuit.sits_down(replace(SAM, email_verified=False))
    assert intuit.sign_in().status_code == 409
    intuit.sits_down(SAM)
    assert intuit.come_in().get("/").headers["location"] == "/o/org-a"


def test_what_intuit_tells_of_somebody_else_is_not_believed(intuit: House) -> None:
    path, kept = intuit.begin()
    true = intuit.standin.id_claims
    intuit.standin.id_claims = lambda grant: true(grant) | {"sub": "sub-somebody-else"}  # type: ignore[method-assign]
    answer = intuit.finish(path, kept)
    intuit.standin.id_claims = true  # type: ignore[method-assign]
    assert (answer.status_code, "another person" in answer.text) == (400, True)


def test_who_comes_from_the_vendors_list_of_apps_signs_in_there(intuit: House) -> None:
    answer = intuit.site.http.get("/launch/quickbooks")
    assert answer.headers["location"].startswith(intuit.site.app.settings.quickbooks_identity_url)
    owner = intuit.site.browser("owner", org_a=MemberRole.OWNER)
    assert owner.get("/launch/quickbooks").headers["location"] == "/"
    assert owner.get("/launch/salesforce").status_code == 404


def test_who_is_sent_to_connect_again_is_led_to_the_consent_where_it_is_theirs(intuit: House) -> None:
    Books(intuit.site.app, "org-q", "Quick").connection("quickbooks", "ledger", status="broken")
    here = "/reconnect/quickbooks?realmId=org-q-quickbooks"
    assert intuit.site.stranger().get(here).headers["location"].startswith("/sign-in?back=/reconnect/quickbooks")
    owner = intuit.site.browser("quick", org_q=MemberRole.OWNER)
    assert owner.get(here).headers["location"] == "/connect/quickbooks?organisation=org-q"
    for nobody in (
        intuit.site.browser("other", org_b=MemberRole.OWNER),
        intuit.site.browser("clerk", org_q=MemberRole.ACCOUNTANT),
    ):
        assert nobody.get(here).headers["location"] == "/"
    assert owner.get("/reconnect/quickbooks?realmId=unknown").headers["location"] == "/"


def test_nothing_that_is_logged_tells_a_secret_or_a_person(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    tokens: list[str] = []
    sign = house.standin.signer.sign

    def heard(claims: Claims) -> str:
        tokens.append(sign(claims))
        return tokens[-1]

    house.standin.signer.sign = heard  # type: ignore[method-assign, assignment]
    invitation = house.invitation()
    browser = house.come_in(invitation)
    del house.standin.signer.sign
    browser.post("/o/org-a/invoices/inv-2/settle-dispute")
    twice = {"id": "x", "email": "pat@example.com", "name": "Pat", "created_at": NOW}
    with pytest.raises(IntegrityError) as failed, house.site.app.store.write() as db:
        for _ in range(2):
            db.execute(t.person.insert().values(**twice))
    logging.getLogger("runtime").warning("failed", exc_info=failed.value)
    granted = [
        token for each in house.standin.oauth.grants.values() for token in (each.access_token, each.refresh_token)
    ]
    ours = "\n".join(
        f"{record.getMessage()} {record.exc_text or ''} {record.exc_info and record.exc_info[1]}"
        for record in caplog.records
        if not record.name.startswith(("sandbox", "httpx", "httpcore", "werkzeug"))  # the other side, and this test
    )
    assert "IntegrityError" in repr(failed.value) and "failed" in ours and tokens and granted
    for secret in (invitation, browser.secret, browser.csrf, "not-a-secret", *tokens, *granted):
        assert secret not in ours
    for personal in ("sam@example.com", "Sam Keeper", "pat@example.com", "acme@example.com", "Acme"):
        assert personal.lower() not in ours.lower()
