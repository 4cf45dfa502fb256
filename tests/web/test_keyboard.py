"""Every page from the keyboard: Tab comes by everything that can be pressed or filled in, and shows where it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from playwright.sync_api import Browser, Page

from runtime.app import App
from runtime.web.access import Door, needs_of
from runtime.web.application import web_of
from tests.web.build import fill, running
from tests.web.serving import serving
from tests.web.test_browser import DESK, LEDGER_PAGES, STAFF_PAGES, browser, token_of

__all__ = ["browser"]

pytestmark = pytest.mark.browser
# Files, pictures, and what leads elsewhere at once.
_NO_PAGES = re.compile(
    r".*\.(csv|json|svg|pdf)|.*/files/.*|.*/online|/connect/.*|/sign-in/.*|/launch/.*|/reconnect/.*|/join/.*"
)
# What Tab stops at, as HTML says: of the radio buttons of one name at one. Notes each stop, and whether it shows.
_STOPS = """() => {
  const group = (each) => [...each.form.querySelectorAll(`input[type=radio][name=${each.name}]`)];
  const first = (each) => group(each).find((one) => one.checked) ?? group(each)[0];
  const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")]
    .filter((each) => each.checkVisibility() && !each.disabled && (each.type !== "radio" || each === first(each)));
  window.cameBy = {};
  document.activeElement.blur();
  document.addEventListener("focusin", (event) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(event.target);
    window.cameBy[all.indexOf(event.target)] = outlineStyle !== "none" && outlineWidth !== "0px";
  });
  return all.map((each) => [each.outerHTML.slice(0, 120), each.type]);
}"""
_STOPS_IN_A_DAY = 4  # day, month, year, and what opens the calendar


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[App, str]]:
    with running(tmp_path_factory.mktemp("site")) as (app, _):
        books = fill(app)
        books.set_aside("the connection to Stripe broke", "org-a-stripe")
        books.call("rem-call", "acme", "inv-5", minor=12_000)
        with serving(app) as address:
            yield app, address


def _tab_through(page: Page, path: str) -> list[str]:
    """Return what Tab does not come by, and where it does not show that it is there."""
    page.goto(path)
    stops: list[tuple[str, str]] = page.evaluate(_STOPS)
    presses = sum(_STOPS_IN_A_DAY if kind == "date" else 1 for _, kind in stops)
    for _ in range(presses + 2):  # it passes the browser's own frame on its way around
        page.keyboard.press("Tab")
    came_by: dict[str, bool] = page.evaluate("window.cameBy")
    missed = [each for at, (each, _) in enumerate(stops) if str(at) not in came_by]
    unseen = [each for at, (each, _) in enumerate(stops) if came_by.get(str(at)) is False]
    complaints = [f"{path}: Tab does not come by {each}" for each in missed]
    return complaints + [f"{path}: nothing shows that the focus is on {each}" for each in unseen]


@pytest.mark.long
def test_tab_comes_by_everything_and_shows_where_it_is(browser: Browser, site: tuple[App, str]) -> None:
    app, address = site
    page = browser.new_context(base_url=address, viewport={"width": DESK[0], "height": DESK[1]}).new_page()
    payer = f"/p/{token_of(app)}"
    paths = [*STAFF_PAGES.values(), payer, f"{payer}/pay/inv-1", f"{payer}/unsubscribe"]
    found = [each for path in paths for each in _tab_through(page, path)]
    assert not found, "\n".join(found)


def test_the_first_stop_skips_to_the_content(browser: Browser, site: tuple[App, str]) -> None:
    page = browser.new_context(base_url=site[1]).new_page()
    page.goto("/o/org-a/invoices")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/o/org-a/invoices#content")  # the address follows the key a moment later


def test_no_page_of_staff_escapes_what_is_asked_of_pages(site: tuple[App, str]) -> None:
    """Each has an address in STAFF_PAGES: its width, axe, the keyboard and going without a script are tried there."""
    looked_at = [path.partition("?")[0] for path in (*STAFF_PAGES.values(), *LEDGER_PAGES.values())]
    escaped = [
        str(context.path)
        for context in iter_route_contexts(web_of(site[0]).routes)
        if isinstance(context.original_route, APIRoute)
        and "GET" in (context.methods or ())
        and needs_of(context.original_route).door in (Door.MEMBER, Door.SIGNED_IN, Door.HERE)
        and not _NO_PAGES.fullmatch(str(context.path))
        and not any(re.fullmatch(re.sub(r"{\w+}", "[^/]+", str(context.path)), each) for each in looked_at)
    ]
    assert set(escaped) == {"/", "/metrics"}, "the first leads on, the other is no page"
