"""Sessions for the SDKs: what the environment says is asked once, and no password takes the place of a token."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import requests

from connectors.sessions import session_for

SECONDS = 5.0


class _Heard(HTTPServer):
    """A server that keeps what each request asked for and how it was authorised."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Ear)
        self.requests: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Ear(BaseHTTPRequestHandler):
    server: _Heard

    def do_GET(self) -> None:
        self.server.requests.append((self.path, self.headers["Authorization"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _listening() -> Iterator[_Heard]:
    with _Heard() as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _call(session: requests.Session, url: str) -> None:
    with session:
        session.get(url, headers={"Authorization": "Bearer ours"}, timeout=SECONDS).raise_for_status()


def test_a_password_of_the_machine_does_not_take_the_place_of_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with _listening() as server:
        _call(requests.Session(), server.url)
        _call(session_for(server.url), server.url)
    assert [str(how).split()[0] for _, how in server.requests] == ["Basic", "Bearer"]


def test_the_environments_proxy_carries_the_calls_unless_it_is_told_not_to(monkeypatch: pytest.MonkeyPatch) -> None:
    with _listening() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "direct.invalid")
        _call(session_for("http://vendor.invalid"), "http://vendor.invalid/invoices")
        direct = session_for("http://direct.invalid")
        with pytest.raises(requests.ConnectionError):
            _call(direct, "http://direct.invalid/invoices")
    assert proxy.requests == [("http://vendor.invalid/invoices", "Bearer ours")]


def test_the_environments_authorities_are_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "authorities.pem")
    assert session_for("https://vendor.invalid").verify == "authorities.pem"
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    assert session_for("https://vendor.invalid").verify is True
