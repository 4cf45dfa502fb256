"""Nobody is shown a button or a way that is refused to them, and everybody is shown what they may do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from runtime import web
from runtime.roles import GRANTS, MemberRole, Permission
from runtime.web.access import Door, Needs
from tests.web.people import Browser, PublicSite, public_site
from tests.web.test_browser import STAFF_PAGES

MOST_PAGES = 300
WHOLE = ("people.html", "choose.html")  # the whole page takes what its forms do
# Where no link leads whoever may not go there: the walks open them as an address that was typed.
TYPED = {
    address: Permission.PEOPLE if name == "people" else Permission.MATCH
    for name, address in STAFF_PAGES.items()
    if name == "people" or address.partition("?")[0].endswith("/choose")
}
_TAG = re.compile(
    r'{% (if|elif|else|endif|for|endfor)\b(.*?) ?%}|<form [^<]*?action="((?:{{.*?}}|[^"{])*)"[^>]*>',
)
TEMPLATES = Path(web.__file__).parent / "templates"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublicSite]:
    with public_site(tmp_path_factory.mktemp("buttons")) as site:
        site.books.set_aside("the connection to Stripe broke", "org-a-stripe")
        site.books.call("rem-call", "acme", "inv-5", minor=12_000)
        yield site


class _Ways(HTMLParser):
    """Where the forms and the links of a page lead."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form" and given.get("method") == "post":
            self.forms.add(given["action"] or "")
        elif tag == "a" and given.get("href"):
            self.links.add(given["href"] or "")


@dataclass
class Seen:
    """What a role met on its way through all pages: the routes of forms, and where links were refused."""

    forms: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)


def _walk(site: PublicSite, browser: Browser) -> Seen:
    """Open every page that a link leads to, from the pages that the accessibility test knows."""
    seen, waiting, opened = Seen(), [*STAFF_PAGES.values()], set[str]()
    while waiting:
        address = waiting.pop()
        if address in opened or not address.startswith("/o/org-a"):
            continue
        opened.add(address)
        assert len(opened) <= MOST_PAGES, "the pages do not end"
        answer = browser.get(address)
        if answer.status_code == 403:
            seen.refused.add(address)
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        ways = _Ways()
        ways.feed(answer.text)
        seen.forms |= {_route(site, "POST", urljoin(address, each)) for each in ways.forms}
        waiting += [urlsplit(urljoin(address, each))._replace(fragment="").geturl() for each in ways.links]
        seen.refused |= {each for each in ways.links if _is_refused(browser, urljoin(address, each))}
    return seen


def _is_refused(browser: Browser, address: str) -> bool:
    """Whether a link that leaves the organisation's pages leads to a refusal."""
    path = urlsplit(address).path
    return path.startswith(("/connect/", "/organisations")) and browser.get(address).status_code == 403


def _route(site: PublicSite, method: str, address: str) -> str:
    path = urlsplit(address).path
    found = [route for each, route, _ in site.routes if each == method and _pattern(route).fullmatch(path)]
    assert found, f"no route takes {method} {path}"
    return min(found, key=lambda route: route.count("{"))


def _pattern(route: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"{\w+}", "[^/]+", route))


@pytest.fixture(scope="module")
def walks(site: PublicSite) -> Mapping[MemberRole, Seen]:
    return {role: _walk(site, site.browser(f"walks-{role}", org_a=role)) for role in MemberRole}


def _granted(site: PublicSite, role: MemberRole) -> set[str]:
    def may(needs: Needs) -> bool:
        return needs.door is not Door.MEMBER or needs.permission in GRANTS[role]

    return {path for method, path, needs in site.routes if method == "POST" and may(needs)}


@pytest.mark.parametrize("role", list(MemberRole))
def test_a_role_is_shown_the_buttons_that_it_may_press_and_no_others(
    site: PublicSite, walks: Mapping[MemberRole, Seen], role: MemberRole
) -> None:
    every = walks[MemberRole.OWNER].forms
    assert len(every) > 30, "the owner is shown most of what there is"
    assert walks[role].forms == every & _granted(site, role)


@pytest.mark.parametrize("role", list(MemberRole))
def test_no_link_leads_to_a_refusal(walks: Mapping[MemberRole, Seen], role: MemberRole) -> None:
    typed = {address for address, needed in TYPED.items() if needed not in GRANTS[role]}
    assert walks[role].refused == typed


def test_every_form_of_a_template_stands_behind_the_permission_of_its_route(site: PublicSite) -> None:
    """Also what the walks above do not come by, because it takes a rare state of things."""
    found = 0
    for path in sorted(TEMPLATES.glob("*.html")):
        if path.name in WHOLE:
            continue
        for action, guards in _forms_of(path.read_text()):
            needs = {
                needs.permission
                for method, route, needs in site.routes
                if method == "POST" and needs.door is Door.MEMBER and re.fullmatch(action, re.sub(r"{\w+}", "x", route))
            }
            assert not needs or len(needs & guards) == len(needs) == 1, f"{path.name}: {action} takes {needs}"
            found += len(needs)
    assert found > 40


def _forms_of(source: str) -> Iterator[tuple[str, set[Permission | None]]]:
    """Each form of a template: where it leads, as a pattern, and the permissions that the blocks around it ask for."""
    sets, around = dict(re.findall(r"{% set (\w+) = (.+?) %}", source)), list[str]()
    for tag in _TAG.finditer(source):
        if tag[1] in ("endif", "endfor"):
            around.pop()
        elif tag[1] in ("elif", "else"):
            around[-1] = tag[2]
        elif tag[1]:
            around.append(tag[2])
        elif 'method="post"' in tag.group():
            asked = re.findall(r'(?<!not )may\("(\w+)"', " ".join(around))
            yield re.sub(r"{{ ?(.+?) ?}}", lambda name: _expanded(name[1], sets), tag[3]), {*map(Permission, asked)}


def _expanded(expression: str, sets: Mapping[str, str]) -> str:
    """What an expression may come to in an address."""
    parts = [part.strip(" ()") for part in expression.split("~")]
    if len(parts) > 1:
        return "".join(_expanded(part, sets) for part in parts)
    if parts[0] in sets:
        return _expanded(sets[parts[0]], sets)
    return parts[0].strip('"') if re.fullmatch(r'"[^"]*"', parts[0]) else "[^/]+"


def test_a_viewer_reads_what_others_change(site: PublicSite) -> None:
    viewer = site.browser("reader", org_a=MemberRole.VIEWER)
    assert "reader@example.com, viewer" in viewer.get("/o/org-a").text
    policies = viewer.get("/o/org-a/policies").text
    assert "<pre" in policies
    assert "everyone" in policies
    assert "{{ recipient }}" in viewer.get("/o/org-a/messages").text
