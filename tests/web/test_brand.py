"""How pages for payers look: what is uploaded is checked and drawn anew, and a phone can keep the page."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import sync_playwright

from runtime.operations.payers.brand import ICON_SIZES, LOGO_BOX, MAX_LOGO_BYTES, MAX_LOGO_PIXELS, OWN_COLOUR
from runtime.store import tables as t
from tests.shared import unavailable
from tests.web.conftest import Site
from tests.web.test_browser import CHROMIUM, FLAGS, PHONE

COLOUR = "#5a2d82"


def _picture(size: tuple[int, int] = (600, 200), kind: str = "PNG", **saved: object) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, "#5a2d82").save(written, kind, **saved)
    return written.getvalue()


def _upload(site: Site, content: bytes) -> int:
    return site.http.post("/o/org-a/settings/logo", files={"logo": ("logo.png", content)}).status_code


def _kept(site: Site) -> Image.Image:
    answer = site.http.get(f"/p/{site.token()}/logo.png")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    return Image.open(io.BytesIO(answer.content))


def test_a_colour_shows_on_the_pages_of_its_organisation_alone(site: Site) -> None:
    assert "brand.css" not in site.http.get(f"/p/{site.token()}").text
    assert site.http.post("/o/org-a/settings/colour", data={"colour": COLOUR}).status_code == 303
    page = site.http.get(f"/p/{site.token()}").text
    assert f"/p/{site.token()}/brand.css" in page
    style = site.http.get(f"/p/{site.token()}/brand.css")
    assert style.headers["content-type"].startswith("text/css")
    assert f"--accent: {COLOUR};" in style.text
    other = site.token("zeta", "org-b")
    assert "brand.css" not in site.http.get(f"/p/{other}").text
    assert OWN_COLOUR in site.http.get(f"/p/{other}/brand.css").text


@pytest.mark.parametrize(
    ("colour", "said"),
    [
        ("#ffee00", "too light"),
        ("#777777", "too light"),
        ("red", "no colour"),
        ("#12345", "no colour"),
        ("", "colour"),
    ],
)
def test_a_colour_on_which_nobody_can_read_is_refused(site: Site, colour: str, said: str) -> None:
    answer = site.http.post("/o/org-a/settings/colour", data={"colour": colour})
    assert (answer.status_code, said in answer.text) == (400, True)
    assert "brand.css" not in site.http.get(f"/p/{site.token()}").text


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_logo_is_drawn_anew_and_shown_in_place_of_the_name(site: Site, kind: str) -> None:
    said = PngInfo()
    said.add_text("Comment", "where this came from")
    extra = {"pnginfo": said} if kind == "PNG" else {"comment": b"where this came from"} if kind == "JPEG" else {}
    assert _upload(site, _picture(kind=kind, **extra)) == 303
    kept = _kept(site)
    assert kept.format == "PNG"
    assert kept.width <= LOGO_BOX[0] and kept.height <= LOGO_BOX[1]
    assert "Comment" not in kept.info and "comment" not in kept.info
    assert 'alt="Harbour Joinery Ltd"' in site.http.get(f"/p/{site.token()}").text
    assert site.http.post("/o/org-a/settings/logo").status_code == 303
    assert site.http.get(f"/p/{site.token()}/logo.png").status_code == 404


@pytest.mark.parametrize(
    "content",
    [
        b"GIF89a" + _picture(kind="GIF")[6:],
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        _picture()[:60],
        b"\x00" * 100,
        _picture((MAX_LOGO_PIXELS + 1, 1)),
        _picture() + b"x" * MAX_LOGO_BYTES,
    ],
    ids=["gif", "svg", "cut", "zeros", "wide", "large"],
)
def test_what_is_no_small_picture_is_refused(site: Site, content: bytes) -> None:
    assert _upload(site, content) == 400
    assert site.http.get(f"/p/{site.token()}/logo.png").status_code == 404


def test_a_body_beyond_a_logo_is_not_read(site: Site) -> None:
    assert _upload(site, b"x" * (2 * MAX_LOGO_BYTES)) == 413


def test_the_page_behind_the_button_looks_like_it_too(site: Site) -> None:
    site.http.post("/o/org-a/settings/colour", data={"colour": COLOUR})
    _upload(site, _picture())
    with site.app.store.write() as db:
        db.execute(t.organisation.update().values(pay_button_on=True))
    button = f"/pay/{site.app.button_links().token('org-a')}"
    page = site.http.get(f"{button}?invoiceNo=INV-3&currency=GBP&amount=450.00").text
    assert f"{button}/brand.css" in page and f"{button}/logo.png" in page
    assert COLOUR in site.http.get(f"{button}/brand.css").text
    assert site.http.get(f"{button}/logo.png").status_code == 200


def test_a_phone_is_told_how_to_keep_the_page(site: Site) -> None:
    path = f"/p/{site.token()}"
    answer = site.http.get(f"{path}/app.webmanifest")
    assert answer.headers["content-type"] == "application/manifest+json"
    said = json.loads(answer.text)
    assert (said["start_url"], said["scope"], said["display"]) == (path, path, "standalone")
    assert {each["sizes"] for each in said["icons"]} == {f"{size}x{size}" for size in ICON_SIZES}
    for each in said["icons"]:
        drawn = Image.open(io.BytesIO(site.http.get(each["src"]).content))
        assert f"{drawn.width}x{drawn.height}" == each["sizes"]
        assert drawn.getpixel((0, 0)) == (0x1F, 0x5F, 0x4A)
        assert (255, 255, 255) in {colour for _, colour in drawn.getcolors(100_000) or []}
    assert site.http.get(f"{path}/icon-1024.png").status_code == 404
    for name in ("app.webmanifest", "icon-192.png", "brand.css", "logo.png"):
        assert site.http.get(f"/p/nothing/{name}").status_code == 404


@pytest.mark.browser
def test_a_browser_takes_manifest_and_style(site: Site, tmp_path: Path) -> None:
    if not CHROMIUM.exists():
        unavailable(f"{CHROMIUM} is not there")
    site.http.post("/o/org-a/settings/colour", data={"colour": COLOUR})
    _upload(site, _picture())
    complaints: list[str] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        context = chromium.new_context(base_url=site.address, viewport={"width": PHONE[0], "height": PHONE[1]})
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(f"/p/{site.token()}")
        session = context.new_cdp_session(page)
        found = session.send("Page.getAppManifest")
        page.screenshot(path=tmp_path / "branded.png", full_page=True)
        page.goto(f"/p/{site.token()}/contact")
        page.screenshot(path=tmp_path / "contact.png", full_page=True)
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(f"/p/{site.token()}")
        page.screenshot(path=tmp_path / "branded-desk.png", full_page=True)
        page.goto("/o/org-a/settings")
        page.screenshot(path=tmp_path / "settings.png", full_page=True)
        chromium.close()
    assert not found["errors"] and json.loads(found["data"])["display"] == "standalone"
    assert not complaints


def test_who_signs_is_said_on_the_page_of_settings(site: Site) -> None:
    form = {"tone": "final", "name": "Ines Weber, head of finance"}
    assert site.http.post("/o/org-a/settings/signature", data=form).status_code == 303
    shown = site.http.get("/o/org-a/settings").text
    assert '<dt>Final</dt><dd class="wrap">Ines Weber, head of finance</dd>' in shown
    assert site.http.post("/o/org-a/settings/signature", data={"tone": "rude", "name": "x"}).status_code == 400
    site.http.post("/o/org-a/settings/signature", data={"tone": "final", "name": ""})
    assert "Ines Weber" not in site.http.get("/o/org-a/settings").text
