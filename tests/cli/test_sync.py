"""The commands conflicts, links and owners: what they print, and what a person settles with them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from runtime.store import tables as t
from tests.cli.command import Result, one_line, sqlite, truedue
from tests.operations.copied import copied_firm
from tests.operations.firm import TODAY, Firm

Command = Callable[..., Result]
SOON, LATER = TODAY + timedelta(days=30), TODAY + timedelta(days=60)


@pytest.fixture
def firm(tmp_path: Path) -> Iterator[Firm]:
    with copied_firm(tmp_path) as firm:
        yield firm


@pytest.fixture
def command(firm: Firm, tmp_path: Path) -> Command:
    """The installed command on the firm's database."""
    key = firm.app.settings.key.get_secret_value()
    return lambda *arguments: truedue(*arguments, folder=tmp_path, key=key, database_url=sqlite(tmp_path))


def _printed(result: Result) -> list[dict[str, Any]]:
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_conflict_is_listed_until_a_person_keeps_what_stands(firm: Firm, command: Command) -> None:
    firm.crm.update("TrueDue_Invoice__c", str(firm.shown("INV-1001")["Id"]), Due_Date__c=SOON.isoformat())
    firm.ledger.edit_due_date("INV-1001", LATER)
    firm.settle()
    (listed,) = _printed(command("conflicts", "--json"))
    assert (listed["invoice"], listed["kept"], listed["lost"]) == ("INV-1001", LATER.isoformat(), SOON.isoformat())
    assert _printed(command("conflicts", "keep", listed["id"], "--json")) == []
    assert [row.settled_by for row in firm.rows(t.conflict)] == ["owner"]


def test_an_account_that_may_be_a_customer_is_listed_until_a_person_confirms_it(firm: Firm, command: Command) -> None:
    firm.ledger.customer("Elm Street Stores", "elm@example.com")
    account = firm.crm.create("Account", Name="Elm Street Stores")
    firm.settle()
    (listed,) = _printed(command("links", "--json"))
    (candidate,) = listed["candidates"]
    assert (listed["account"], candidate["name"]) == (account, "Elm Street Stores")
    assert _printed(command("links", "confirm", listed["id"], candidate["customer"], "--json")) == []
    linked = firm.rows(t.link, local_id=candidate["customer"], system="salesforce")
    assert [row.external_id for row in linked] == [account]


def test_an_owner_is_changed_and_one_that_a_field_cannot_have_is_refused(firm: Firm, command: Command) -> None:
    before = {each["field"]: each["owner"] for each in _printed(command("owners", "--json"))}
    after = {
        each["field"]: each["owner"]
        for each in _printed(command("owners", "--field", "due_on", "--owner", "ledger", "--json"))
    }
    assert (before["due_on"], after) == ("shared", before | {"due_on": "ledger"})
    refused = command("owners", "--field", "total", "--owner", "crm")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "total" in one_line(refused)
    assert len(firm.rows(t.field_owner)) == 1
