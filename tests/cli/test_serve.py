"""`truedue serve`: what it refuses to start on, how it ends, and that being killed loses nothing."""

from __future__ import annotations

import socket
import sqlite3
from pathlib import Path

import pytest

from tests.cli.command import (
    ANOTHER_KEY,
    KEY,
    XERO_SECRET,
    free_port,
    one_line,
    post_xero,
    refused,
    served,
    sqlite,
    truedue,
    wait_until,
    xero_event,
)
from tests.postgres import Server


def inbox(folder: Path) -> list[tuple[str, str, str | None]]:
    """What is stored of webhooks: the object each names, its state and why."""
    with sqlite3.connect(folder / "store.sqlite3") as db:
        return db.execute("SELECT external_id, state, problem FROM inbox ORDER BY id").fetchall()


def test_it_answers_and_a_signal_ends_it_with_success(tmp_path: Path) -> None:
    with served(tmp_path, key=KEY, database_url=sqlite(tmp_path)) as (running, http):
        assert [http.get(path).status_code for path in ("/healthz", "/readyz")] == [200, 200]
        assert running.terminate() == 0, running.said
    assert "Traceback" not in running.said


def test_a_second_one_on_the_file_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    with served(tmp_path, key=KEY, database_url=sqlite(tmp_path)) as (_, http):
        second = truedue("serve", "--port", free_port(), folder=tmp_path, key=KEY, database_url=sqlite(tmp_path))
        assert (second.returncode, second.stdout) == (2, "")
        assert one_line(second) == (
            f"{tmp_path / 'store.sqlite3'}: another `truedue serve` uses this database; stop it, or use PostgreSQL "
            "with workers"
        )
        assert http.get("/readyz").status_code == 200


def test_a_port_that_is_taken_is_refused(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = refused("serve", "--port", port, folder=tmp_path, key=KEY, database_url=sqlite(tmp_path))
    assert line == f"cannot listen on 127.0.0.1:{port}: Address already in use; choose another --port"


@pytest.mark.parametrize("key", ["", "abc", KEY[:-8]])
def test_a_key_that_is_missing_or_none_is_refused(tmp_path: Path, key: str) -> None:
    folder = tmp_path / "new"  # a refused start does not even make its folder
    line = refused("serve", "--port", free_port(), folder=tmp_path, key=key, database_url=sqlite(folder))
    assert line.startswith("TRUEDUE_KEY must be 32 random bytes in base64; make one with: truedue key new")


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("mysql://localhost/truedue", "TRUEDUE_DATABASE_URL must be sqlite or postgresql, not mysql"),
        ("nonsense", "TRUEDUE_DATABASE_URL is not a database address: 'nonsense'"),
    ],
)
def test_a_database_of_another_kind_is_refused(tmp_path: Path, url: str, line: str) -> None:
    assert refused("serve", "--port", free_port(), folder=tmp_path, key=KEY, database_url=url) == line


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite3").write_bytes(b"these are no tables\n" * 500)
    line = refused("serve", "--port", free_port(), folder=tmp_path, key=KEY, database_url=sqlite(tmp_path))
    assert line == "the database does not answer: file is not a database"


def test_a_closed_port_and_a_wrong_password_of_postgresql(
    tmp_path: Path, postgres: Server, guarded: tuple[str, str]
) -> None:
    role, password = guarded
    closed = f"postgresql://{role}:{password}@127.0.0.1:{free_port()}/postgres"
    line = refused("serve", "--port", free_port(), folder=tmp_path, key=KEY, database_url=closed)
    assert line.startswith("the database does not answer: ")
    assert "Connection refused" in line
    wrong = f"postgresql://{role}:not-the-password@127.0.0.1:{postgres.port}/postgres"
    line = refused("serve", "--port", free_port(), folder=tmp_path, key=KEY, database_url=wrong)
    assert line.startswith("the database does not answer: ")
    assert f'password authentication failed for user "{role}"' in line
    assert "not-the-password" not in line


def test_a_webhook_that_is_not_signed_is_refused_and_not_stored(tmp_path: Path) -> None:
    settings = {"key": KEY, "database_url": sqlite(tmp_path), "xero_webhook_secret": XERO_SECRET}
    with served(tmp_path, **settings) as (_, http):
        refusals = [
            post_xero(http, xero_event("evil"), secret="another"),
            http.post("/webhooks/xero", content=xero_event("evil")),
        ]
        assert [(answer.status_code, answer.content) for answer in refusals] == [(401, b"")] * 2
        assert inbox(tmp_path) == []
        answer = post_xero(http, xero_event("good"))
        assert (answer.status_code, answer.content) == (200, b"")
        assert [external_id for external_id, _, _ in inbox(tmp_path)] == ["good"]


def test_killed_right_after_an_answer_it_starts_again_and_nothing_is_lost(tmp_path: Path) -> None:
    settings = {"key": KEY, "database_url": sqlite(tmp_path), "xero_webhook_secret": XERO_SECRET}
    with served(tmp_path, **settings) as (first, http):
        assert post_xero(http, xero_event("kept")).status_code == 200
        first.kill()
    assert [(name, state) for name, state, _ in inbox(tmp_path)] == [("kept", "new")]
    with served(tmp_path, name="again", **settings) as (second, http):
        # What waits is found by the sweep, or with the next event.
        assert post_xero(http, xero_event("next")).status_code == 200
        wait_until(lambda: "new" not in {state for _, state, _ in inbox(tmp_path)}, second)
    aside = "no organisation has connected the xero account nobodys-tenant"
    assert inbox(tmp_path) == [("kept", "aside", aside), ("next", "aside", aside)]


def test_a_key_that_does_not_open_the_stored_tokens_is_refused(tmp_path: Path) -> None:
    from runtime.app import build
    from runtime.settings import Settings
    from tests.cli.books import connected

    url = sqlite(tmp_path)
    app = build(Settings.model_validate({"database_url": url, "key": KEY}))
    connected(app)
    app.close()
    arguments = ("serve", "--port", free_port())
    line = refused(*arguments, folder=tmp_path, key=ANOTHER_KEY, database_url=url)
    assert line == "TRUEDUE_KEY is not the key that this database's tokens were sealed with"
    with served(tmp_path, key=KEY, database_url=url) as (_, http):
        assert http.get("/readyz").status_code == 200
