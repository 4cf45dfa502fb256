"""Files that come with a dispute: bounded, checked, kept with it, given as downloads, and removed when it is over."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from runtime.operations.errors import InputError
from runtime.operations.payers.dispute_files import (
    KEPT_FOR,
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_NAME_CHARS,
    MAX_PIXELS,
    NO_FILE_OF_THESE,
    TOO_LARGE,
    TOO_MANY,
    SentFile,
    check,
    end_dispute_files,
)
from runtime.operations.work import poll
from runtime.roles import MemberRole
from runtime.store import tables as t
from runtime.web.guards import MAX_DISPUTE_BYTES
from tests.conftest import BACKENDS
from tests.http_client import client_of
from tests.web.build import fill, running
from tests.web.conftest import Site
from tests.web.people import public_site
from tests.web.sent_files import pdf, picture
from tests.web.serving import serving

Sent = tuple[str, bytes]
KINDS = ("application/pdf", "image/jpeg", "image/png")
PNG_BEGINNING = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(params=BACKENDS)
def stored_site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """The site of `tests/web/conftest.py`, on each database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("site")
        return
    server = request.getfixturevalue("postgres_server")
    with (
        server.database(template=request.getfixturevalue("migrated_template")) as name,
        running(tmp_path, database_url=server.url(name)) as (app, time),
    ):
        fill(app)
        with serving(app) as address, client_of(address) as http:
            yield Site(app, time, address, http)


def _dispute(site: Site, *sent: Sent, reason: str = "A door is <missing>", document: str = "inv-3") -> httpx.Response:
    files = [("files", (name, content, "text/html")) for name, content in sent]
    return site.http.post(f"/p/{site.token()}/dispute/{document}", data={"reason": reason}, files=files)


def _kept(site: Site) -> list[tuple[str, str, bytes]]:
    file = t.dispute_file.c
    with site.app.store.read() as db:
        rows = db.execute(select(file.name, file.media_type, file.content).where(file.document_id == "inv-3")).all()
        return [(row.name, row.media_type, row.content) for row in rows]


def _address(site: Site) -> str:
    file = t.dispute_file.c
    with site.app.store.read() as db:
        return f"/o/org-a/invoices/inv-3/files/{db.scalar(select(file.id).where(file.document_id == 'inv-3'))}"


def _is_disputed(site: Site) -> bool:
    with site.app.store.read() as db:
        return bool(db.scalar(select(t.document.c.disputed).where(t.document.c.id == "inv-3")))


def test_files_come_with_a_dispute_and_are_given_as_downloads(stored_site: Site) -> None:
    site = stored_site
    sent = [("Ünvoice.pdf", pdf()), ("photo.JPG", picture("JPEG")), ("door.png", picture())]
    assert _dispute(site, *sent).status_code == 303
    assert sorted(_kept(site)) == sorted(
        [(name, kind, content) for (name, content), kind in zip(sent, KINDS, strict=True)]
    )
    page = site.http.get("/o/org-a/invoices/inv-3").text
    assert all(name in page for name, _ in sent)
    assert "(with Ünvoice.pdf, photo.JPG, door.png)" in page
    addresses = re.findall(r'href="(/o/[^"]+/files/[^"]+)"', page)
    answers = [site.http.get(address) for address in addresses]
    assert sorted(answer.content for answer in answers) == sorted(content for _, content in sent)
    for answer in answers:
        assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
        assert "no-store" in answer.headers["cache-control"]
        assert answer.headers["content-type"] in KINDS
    assert any("%C3%9Cnvoice.pdf" in answer.headers["content-disposition"] for answer in answers)


def test_a_dispute_takes_no_file_as_well(site: Site) -> None:
    part = 'Content-Disposition: form-data; name="{}"'
    lines = ("--x", part.format("reason"), "", "A door is missing", "--x", f'{part.format("files")}; filename=""')
    nothing = ("Content-Type: application/octet-stream", "", "", "--x--", "")
    body = "\r\n".join((*lines, *nothing))  # as a browser sends it where nobody chose a file
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = site.http.post(f"/p/{site.token()}/dispute/inv-3", content=body.encode(), headers=kind)
    assert answer.status_code == 303
    assert (_is_disputed(site), _kept(site)) == (True, [])


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ([("page.html", b"<script>alert(1)</script>")], NO_FILE_OF_THESE),
        ([("page.png", b"<html>" + picture())], NO_FILE_OF_THESE),
        ([("torn.png", picture(side=64)[:-20])], NO_FILE_OF_THESE),
        ([("begins.png", PNG_BEGINNING + b"<html>")], NO_FILE_OF_THESE),
        ([("begins.jpg", b"\xff\xd8\xff<html>")], NO_FILE_OF_THESE),
        ([("begins.pdf", b"%PDF-1.7\n<html>")], NO_FILE_OF_THESE),
        ([("sealed.pdf", pdf(password="x"))], NO_FILE_OF_THESE),
        ([("moving.gif", picture("GIF"))], NO_FILE_OF_THESE),
        ([("empty.pdf", b"")], NO_FILE_OF_THESE),
        ([("long.pdf", pdf() + b"\n" * MAX_FILE_BYTES)], TOO_LARGE),
        ([("good.pdf", pdf()), ("bad.txt", b"text")], NO_FILE_OF_THESE),
        ([(f"{number}.pdf", pdf()) for number in range(MAX_FILES + 1)], TOO_MANY),
    ],
    ids=lambda value: value[0][0] if isinstance(value, list) else "",
)
def test_what_is_not_taken_is_told_on_the_page_and_nothing_is_kept(site: Site, sent: list[Sent], said: str) -> None:
    answer = _dispute(site, *sent)
    assert answer.status_code == 400
    assert said in answer.text
    assert answer.text.count('role="alert"') == 1
    assert "A door is &lt;missing&gt;</textarea>" in answer.text, "what they wrote stays in the form"
    assert "<script>" not in answer.text
    assert (_is_disputed(site), _kept(site)) == (False, [])
    assert _dispute(site).status_code == 303, "and they can send it without"


def test_why_a_file_is_not_taken_is_said_in_the_payers_language(site: Site) -> None:
    german = {"Accept-Language": "de"}
    files = {"files": ("page.html", b"<html>", "image/png")}
    answer = site.http.post(
        f"/p/{site.token()}/dispute/inv-3", data={"reason": "Tür fehlt"}, files=files, headers=german
    )
    assert "“page.html”: nur PDF-, PNG- und JPEG-Dateien ohne Kennwort werden angenommen" in answer.text


def test_a_body_that_is_far_too_large_is_not_read(site: Site) -> None:
    assert _dispute(site, ("long.pdf", b"x" * (MAX_FILE_BYTES * 2))).status_code == 400
    assert _dispute(site, ("long.pdf", b"x" * MAX_DISPUTE_BYTES)).status_code == 413


def test_files_of_a_dispute_that_is_refused_are_not_kept(site: Site) -> None:
    assert _dispute(site, ("a.pdf", pdf()), document="inv-2").status_code == 409, "it is contested already"
    assert _dispute(site, ("a.pdf", pdf()), document="inv-4").status_code == 404, "it is another customer's"
    assert _kept(site) == []


def test_another_organisation_and_another_invoice_have_not_this_file(tmp_path: Path) -> None:
    with public_site(tmp_path) as public:
        site = Site(public.app, public.time, "", public.http)
        assert _dispute(site, ("a.pdf", pdf())).status_code == 303
        address = _address(site)
        assert public.browser("vera", org_a=MemberRole.VIEWER).get(address).content == pdf()
        other = public.browser("other", org_b=MemberRole.OWNER)
        for tried in (address, address.replace("org-a", "org-b"), address.replace("org-a", "org-b", 1)):
            assert other.get(tried).status_code == 404
        assert other.get(address.replace("/org-a/invoices/inv-3/", "/org-b/invoices/inv-b/")).status_code == 404
        assert public.browser("vera").get(address.replace("inv-3", "inv-2")).status_code == 404
        assert public.stranger().get(address).status_code == 303


def test_files_go_some_time_after_their_dispute_is_over(stored_site: Site) -> None:
    site = stored_site
    _dispute(site, ("a.pdf", pdf()))
    site.time.now += KEPT_FOR * 2
    assert end_dispute_files(site.app, "org-a") == 0, "it is not over"
    site.http.post("/o/org-a/invoices/inv-3/settle-dispute")
    poll(site.app)
    site.time.now += KEPT_FOR - timedelta(seconds=1)
    poll(site.app)
    assert len(_kept(site)) == 1
    assert site.http.get(_address(site)).status_code == 200
    site.time.now += timedelta(seconds=1)
    address = _address(site)
    poll(site.app)
    assert _kept(site) == []
    assert site.http.get(address).status_code == 404


def test_a_dispute_of_what_is_paid_is_over_and_a_later_one_keeps_its_own_files(site: Site) -> None:
    _dispute(site, ("first.pdf", pdf()))
    site.http.post("/o/org-a/invoices/inv-3/settle-dispute")
    end_dispute_files(site.app, "org-a")
    site.time.now += KEPT_FOR
    _dispute(site, ("second.pdf", pdf()), reason="again")
    end_dispute_files(site.app, "org-a")
    assert [name for name, _, _ in _kept(site)] == ["second.pdf"]
    with site.app.store.write() as db:
        db.execute(update(t.document).where(t.document.c.id == "inv-3").values(status="paid", balance_minor=0))
    end_dispute_files(site.app, "org-a")
    site.time.now += KEPT_FOR
    end_dispute_files(site.app, "org-a")
    assert _kept(site) == []


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\Users\\me\\a file.PDF", "a file.PDF"),
        ("invoice.exe", "invoice.exe.pdf"),
        ("invoice\u202egpj.pdf", "invoicegpj.pdf"),
        ('a"b\r\nX-Evil: 1.pdf', "abX-Evil 1.pdf"),
        ("", "file.pdf"),
        (" .. ", "file.pdf"),
        (".pdf", "pdf.pdf"),
        ("x" * 300 + ".pdf", "x" * (MAX_NAME_CHARS - 4) + ".pdf"),
    ],
)
def test_names_are_cleaned(name: str, cleaned: str) -> None:
    assert check([SentFile(name, pdf())])[0].name == cleaned


@given(st.text(max_size=300))
def test_any_name_becomes_one_that_a_file_can_have(name: str) -> None:
    cleaned = check([SentFile(name, picture("JPEG"))])[0].name
    assert cleaned.isprintable()
    assert not set(cleaned) & set('/\\<>:"|?*')
    assert len(cleaned) <= MAX_NAME_CHARS
    assert cleaned.lower().endswith((".jpg", ".jpeg"))
    assert check([SentFile(cleaned, picture("JPEG"))])[0].name == cleaned


@given(st.binary(max_size=200), st.sampled_from([b"%PDF-1.7\n", PNG_BEGINNING, b"\xff\xd8\xff\xe0"]))
def test_whatever_follows_the_first_bytes_is_refused_or_taken(rest: bytes, beginning: bytes) -> None:
    try:
        assert len(check([SentFile("a", beginning + rest)])) == 1
    except InputError as error:
        assert NO_FILE_OF_THESE in str(error)


def test_a_picture_of_more_points_than_telephones_take_is_refused() -> None:
    side = int(MAX_PIXELS**0.5)
    small = picture()
    assert check([SentFile("a.png", _of_size(small, side, side))])
    with pytest.raises(InputError):
        check([SentFile("a.png", _of_size(small, side + 1, side + 1))])


def _of_size(png: bytes, width: int, height: int) -> bytes:
    """The same PNG, claiming another size, under a right checksum."""
    header = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + png[24:29]
    return png[:12] + header + zlib.crc32(header).to_bytes(4, "big") + png[33:]
