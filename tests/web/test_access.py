"""Every route as every role, as another organisation's owner, and as a stranger."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from sqlalchemy import select

from runtime.roles import GRANTS, MemberRole, Permission
from runtime.store import tables as t
from runtime.web import pace
from runtime.web.access import (
    SEE,
    SWITCH,
    Door,
    UndeclaredRouteError,
    require_declarations,
    routes,
)
from runtime.web.application import web_of
from runtime.web.pace import ADDRESSES_REMEMBERED, BURST_REQUESTS, Pace
from tests.web.access_ids import IDS
from tests.web.people import Browser, PublicSite, public_site

_FORM = re.compile(r'<form\b[^>]*method="post"[^>]*>\s*(<input type="hidden" name="csrf" value="(\w+)">)?')
_SEE_ONLY = {"GET", "HEAD"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublicSite]:
    with public_site(tmp_path_factory.mktemp("access")) as site:
        yield site


def _address(path: str) -> str:
    """The path with ids that exist; one that no id is known for gets a word that nothing has."""
    address = re.sub(r"{(\w+)}", lambda name: IDS.get(name[1], "nothing"), path)
    return f"{address}?organisation=org-a" if path == "/connect/{system}" else address


def _rows(site: PublicSite) -> dict[str, list[object]]:
    with site.app.store.read() as db:
        return {
            table.name: sorted((tuple(map(str, row)) for row in db.execute(select(table))), key=str)
            for table in t.metadata.sorted_tables
            if table is not t.session
        }


def _is_refused_by_role(answer: httpx.Response) -> bool:
    return answer.status_code == 403 and "Your role here is" in answer.text


def test_who_is_not_let_in_changes_nothing_and_sees_nothing(site: PublicSite) -> None:
    stranger = site.stranger()
    other = site.browser("other", org_b=MemberRole.OWNER)
    forged = Browser(site.http, "x" * 43, "0" * 64)
    before = _rows(site)
    for method, path, needs in site.routes:
        address = _address(path)
        if needs.door in (Door.SIGNED_IN, Door.MEMBER):
            for nobody in (stranger, forged):
                answer = nobody.send(method, address)
                assert answer.status_code == (303 if method in _SEE_ONLY else 401), (method, path)
                assert method not in _SEE_ONLY or answer.headers["location"].startswith("/sign-in?back="), path
        if needs.door is Door.HERE:
            for each in (stranger, forged, other):
                assert each.send(method, address).status_code == 403, (method, path)
        if needs.door is Door.MEMBER:
            answer = other.send(method, address)
            assert answer.status_code == 404, (method, path, answer.status_code)
            assert "Harbour" not in answer.text, path
        if path.startswith("/o/"):
            assert needs.door is Door.MEMBER, f"{path} is an organisation's, and open to others than its members"
    assert _rows(site) == before


@pytest.mark.parametrize("role", list(MemberRole))
def test_a_role_is_let_in_where_it_is_granted_that_and_nowhere_else(site: PublicSite, role: MemberRole) -> None:
    member = site.browser(role.value, org_a=role)
    refused, before = [], _rows(site)
    for method, path, needs in site.routes:
        if needs.door is Door.MEMBER and needs.permission not in GRANTS[role]:
            refused.append(path)
            assert _is_refused_by_role(member.send(method, _address(path))), (method, path)
    assert _rows(site) == before
    for method, path, needs in site.routes:
        if needs.door is Door.MEMBER and needs.permission in GRANTS[role]:
            answer = member.send(method, _address(path))
            assert not _is_refused_by_role(answer), (method, path)
            assert answer.status_code not in (401, 500), (method, path, answer.text)
    assert bool(refused) is (role is not MemberRole.OWNER)


def test_what_changes_something_takes_more_than_seeing(site: PublicSite) -> None:
    for method, path, needs in site.routes:
        if path.startswith("/o/") and method not in _SEE_ONLY:
            assert needs.permission is not None, path
            assert not GRANTS[MemberRole.VIEWER] & {needs.permission}, f"{path} lets who may only see do something"
            assert not GRANTS[MemberRole.AUDITOR] & {needs.permission}, f"{path} lets an auditor do something"


@pytest.mark.parametrize(
    ("pattern", "permission"),
    [
        (
            r"/o/{organisation_id}/settings/(sending|thanks|cards|pay-button|links-back|ledger-history|charges|approvals|plans|statements|shared-limit)"
            r"|/o/{organisation_id}/channels/{channel}",
            Permission.SWITCH,
        ),
        (r"/o/{organisation_id}/connections/{role}/disconnect|/connect/{system}", Permission.CONNECT),
        (r"/o/{organisation_id}/people.*", Permission.PEOPLE),
        (r"/o/{organisation_id}/(review|receipts)/{receipt_id}/\w+", Permission.MATCH),
    ],
)
def test_what_matters_most_takes_what_it_says(site: PublicSite, pattern: str, permission: Permission) -> None:
    found = {needs.permission for _, path, needs in site.routes if re.fullmatch(pattern, path)}
    assert found == {permission}


def test_a_form_without_its_sessions_token_does_nothing(site: PublicSite) -> None:
    mine, theirs = site.browser("clerk", org_a=MemberRole.OWNER), site.browser("boss", org_a=MemberRole.OWNER)
    before = _rows(site)
    for token in ("", "0" * 64, theirs.csrf):
        answer = Browser(site.http, mine.secret, token).post("/o/org-a/settings/sending", {"sending": "off"})
        assert answer.status_code == 403
        assert "another sign-in" in answer.text
    for headers in ({"Origin": "https://attacker.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert mine.post("/o/org-a/settings/sending", {"sending": "off"}, **headers).status_code == 403
    assert _rows(site) == before
    assert mine.post("/o/org-a/settings/sending", {"sending": "off"}).status_code == 303


def test_every_form_of_a_page_brings_the_token(site: PublicSite) -> None:
    owner = site.browser("keeper", org_a=MemberRole.OWNER)
    counted = 0
    for method, path, needs in site.routes:
        if method == "GET" and needs.door is Door.MEMBER:
            forms = _FORM.findall(owner.get(_address(path)).text)
            assert all(token == owner.csrf for _, token in forms), path
            counted += len(forms)
    assert counted > 20


def test_who_did_it_is_kept(site: PublicSite) -> None:
    collector = site.browser("carla", org_a=MemberRole.COLLECTOR)
    assert collector.post("/o/org-a/invoices/inv-2/settle-dispute").status_code == 303
    with site.app.store.read() as db:
        actors = db.scalars(select(t.event.c.actor).where(t.event.c.action == "dispute_settled")).all()
    assert actors == ["carla@example.com"]


def test_a_role_that_is_taken_away_is_gone_with_the_next_page(site: PublicSite) -> None:
    gone = site.browser("leaver", org_a=MemberRole.ACCOUNTANT)
    assert gone.get("/o/org-a").status_code == 200
    owner = site.browser("head", org_a=MemberRole.OWNER)
    assert owner.post("/o/org-a/people/per-leaver/remove").status_code == 303
    assert gone.get("/o/org-a").status_code == 404


def test_the_first_page_lists_ones_own_organisations_only(site: PublicSite) -> None:
    assert site.browser("single", org_b=MemberRole.VIEWER).get("/").headers["location"] == "/o/org-b"
    assert "Harbour" not in site.browser("nobody").get("/").text
    assert site.browser("nobody").get("/organisations/new").status_code == 403
    assert site.browser("nobody").post("/organisations", {"name": "X"}).status_code == 403


def test_loopback_names_are_asked_to_sign_in_too_where_that_is_required(tmp_path: Path) -> None:
    with public_site(tmp_path, sign_in="required") as site:
        here = {"Host": "127.0.0.1"}
        assert site.http.get("/o/org-a", headers=here).status_code == 303
        assert site.http.post("/o/org-a/review/rcp-1/confirm", headers=here).status_code == 401
        assert site.http.get("/metrics", headers=here).status_code == 200


@pytest.mark.parametrize("header", [{"X-Forwarded-For": "203.0.113.9"}, {"X-Forwarded-For": "203.0.113.9, 127.0.0.1"}])
def test_what_a_proxy_passes_on_does_not_come_from_this_machine(site: PublicSite, header: dict[str, str]) -> None:
    assert site.http.get("/o/org-a", headers={"Host": "127.0.0.1"}).status_code == 200
    assert site.http.get("/o/org-a", headers={"Host": "127.0.0.1", **header}).status_code == 303


def test_a_route_that_declares_nothing_stops_the_start(site: PublicSite) -> None:
    nameless = routes("x")
    with pytest.raises(UndeclaredRouteError, match=r"/o/{organisation_id}/new declares nothing.*\[SEE\]"):
        nameless.get("/o/{organisation_id}/new")(lambda: None)
    with pytest.raises(UndeclaredRouteError, match="declares several"):
        nameless.get("/o/{organisation_id}/new", dependencies=[SEE, SWITCH])(lambda: None)
    web, plain = FastAPI(openapi_url=None, docs_url=None, redoc_url=None), APIRouter()
    plain.get("/plain", dependencies=[SEE])(lambda: None)
    web.include_router(plain)
    with pytest.raises(UndeclaredRouteError, match=r"/plain is made by another router: make its router with `routes"):
        require_declarations(web)
    require_declarations(web_of(site.app))


def test_one_address_that_asks_too_often_waits_and_nobody_else_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "BURST_REQUESTS", 5)
    monkeypatch.setattr(pace, "REQUESTS_PER_SECOND", 0.001)  # however slow this machine is just now
    with public_site(tmp_path) as site:

        def ask(address: str, path: str = "/p/none") -> httpx.Response:
            return site.http.get(path, headers={"X-Forwarded-For": address})

        answers = [ask("203.0.113.9") for _ in range(7)]
        assert [answer.status_code for answer in answers] == [404] * 5 + [429] * 2
        assert int(answers[-1].headers["retry-after"]) > 900
        assert ask("203.0.113.10").status_code == 404
        assert ask("203.0.113.9", "/healthz").status_code == 200
        assert [site.http.get("/p/none").status_code for _ in range(7)] == [404] * 7, (
            "a proxy that does not say for whom"
        )


def test_the_pace_forgets_and_takes_a_network_of_ipv6_for_one() -> None:
    now = [0.0]
    counted = Pace(lambda: now[0])
    first = [counted.wait(f"2001:db8::{number:x}") for number in range(BURST_REQUESTS + 1)]
    assert first == [0] * BURST_REQUESTS + [1]
    assert counted.wait("2001:db8:0:1::1") == 0, "the network beside it"
    now[0] = 1.0
    assert [counted.wait("2001:db8::5") for _ in range(6)] == [0, 0, 0, 0, 0, 1]
    for number in range(ADDRESSES_REMEMBERED):
        counted.wait(f"10.{number // 65536}.{number // 256 % 256}.{number % 256}")
    assert counted.wait("2001:db8::1") == 0, "forgotten: memory is bounded"
