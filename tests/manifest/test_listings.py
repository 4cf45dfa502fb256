"""What the marketplaces are told is what the code does: scopes, permissions, webhooks, addresses, evidence."""

from __future__ import annotations

import json
import re
import tomllib
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from connectors import registry
from connectors.crm.salesforce import knock as salesforce
from connectors.ledgers.quickbooks import hooks as quickbooks
from connectors.ledgers.xero import hooks as xero
from connectors.payments.stripe import connector
from connectors.payments.stripe.notices import notices
from connectors.records import Kind
from runtime.operations.systems.connect import redirect_uri
from runtime.web import stripe_app
from tests.http_client import client_of
from tests.web.build import running
from tests.web.serving import serving

ROOT = Path(__file__).resolve().parents[2]
MANIFESTS = ROOT / "addon_manifest"
SYSTEMS = ("xero", "quickbooks", "salesforce", "stripe")
# The permission that each resource of Stripe's API needs, by the name under which the SDK has it.
PERMISSIONS = {
    "accounts": {"connected_account_read"},
    "balance_transactions": {"balance_read", "balance_transaction_source_read"},  # each with its source
    "charges": {"charge_read"},
    "checkout": {"checkout_session_write"},
    "customers": {"customer_read", "customer_write"},
    "disputes": {"dispute_read"},
    "events": {"event_read"},
    "financial_connections": set(),  # Stripe's reference of app permissions names none (checklist)
    "invoices": {"invoice_read"},  # by the view in the dashboard
    "payment_intents": {"payment_intent_read", "payment_intent_write"},
    "payment_methods": {"payment_method_read", "payment_method_write"},
    "payouts": {"payout_read"},
    "refunds": {"charge_read"},
    "setup_intents": {"setup_intent_read"},
}
STATES = {"met", "partly", "missing"}


def listing(system: str) -> dict[str, Any]:
    return tomllib.loads((MANIFESTS / system / "listing.toml").read_text())


def test_each_system_has_a_listing_and_a_checklist() -> None:
    assert set(SYSTEMS) == set(registry.SYSTEMS) == {each.name for each in MANIFESTS.iterdir() if each.is_dir()}
    for system in SYSTEMS:
        told = listing(system)
        assert told["system"] == system and told["store"] and told["tagline"] and told["categories"]
        assert told["data"] and all(each["what"] and each["why"] for each in told["data"])
        assert {each["how"] for each in told["data"]} == {"read", "written"}


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_scopes_are_those_that_the_connector_asks_for(system: str) -> None:
    told = listing(system)["scopes"]
    oauth = registry.declaration(system).oauth
    assert tuple(each["name"] for each in told if not each.get("asked_when")) == oauth.scopes
    assert tuple(each["name"] for each in told if each.get("asked_when")) == oauth.more_scopes
    assert all(each["why"].endswith(".") for each in told)


def test_stripes_permissions_are_those_that_the_calls_need() -> None:
    manifest = json.loads((MANIFESTS / "stripe" / "stripe-app.json").read_text())
    sources = [path.read_text() for path in (ROOT / "connectors" / "payments" / "stripe").glob("*.py")]
    used = set(chain.from_iterable(re.findall(r"\.v1\.(\w+)\.", source) for source in sources))
    views = [path.read_text() for path in (MANIFESTS / "stripe" / "src").rglob("*.ts*")]
    used |= set(chain.from_iterable(re.findall(r"\bstripe\.(\w+)\.", source) for source in views))
    asked = [each["permission"] for each in manifest["permissions"]]
    assert len(asked) == len(set(asked))
    assert set(asked) == set().union(*(PERMISSIONS[resource] for resource in used))
    assert all(each["purpose"].endswith(".") for each in manifest["permissions"])
    assert "refunds" in used and "checkout" in used, "the calls were found"


def test_the_webhooks_are_those_that_are_read() -> None:
    said = {system: {each["event"]: each["reads"] for each in listing(system)["webhooks"]} for system in SYSTEMS}
    assert said["xero"] == {event: kind.value for event, kind in xero.KINDS.items()}
    assert said["quickbooks"] == {event: kind.value for event, kind in quickbooks.KINDS.items()}
    assert said["salesforce"] == {event: ", ".join(kinds) for event, kinds in salesforce.KINDS.items()}
    assert {event: _stripes(event) for event in said["stripe"]} == said["stripe"]
    polled = {(event, kind) for kind, events in connector.EVENTS.items() for event in events}
    for event, kind in polled:
        reads = said["stripe"][f"{event.partition('.')[0]}.*"]
        assert (reads, _stripes(event)) == (kind.value, kind.value), event


def _stripes(event: str) -> str | None:
    """The kind that a snapshot event of this name, or family, is read as."""
    about = {"id": "xx_1", "payment_intent": "pi_1", "customer": "cus_1"}
    body = {"id": "evt_1", "object": "event", "type": event.replace("*", "updated"), "created": 1, "account": "acct_1"}
    (notice,) = notices(json.dumps(body | {"data": {"object": about}}).encode())
    return notice.kind.value if notice.kind else None


_OF_PEOPLE = {"sign_in", "launch", "reconnect"}


def test_the_addresses_are_served_to_the_outside(tmp_path: Path) -> None:
    public = {"host": "truedue.example"}
    client = {"quickbooks_client_id": "client", "quickbooks_client_secret": "not-a-secret"}
    with (
        running(tmp_path, public_url="https://truedue.example", **client) as (app, _),
        serving(app) as address,
        client_of(address, headers=public) as http,
    ):
        for system in SYSTEMS:
            addresses = listing(system)["addresses"]
            assert set(addresses) - _OF_PEOPLE - {"view", "statement"} == {"redirect", "webhook", "disconnected"}
            assert ("sign_in" in addresses) == (registry.declaration(system).sign_in is not None)
            for name in _OF_PEOPLE & set(addresses):  # 409: no sign-in was begun
                assert http.get(addresses[name]).status_code in (303, 409), addresses[name]
            assert redirect_uri(app, system) == f"https://truedue.example{addresses['redirect']}"
            # No state comes with it, so the redirect is refused: but the route is there.
            assert http.get(addresses["redirect"]).status_code == 400
            assert http.get(addresses["disconnected"]).status_code == 200
            assert http.post(addresses["webhook"], content=b"{}").status_code == 401


def test_stripes_views_exist_and_ask_only_where_they_may() -> None:
    folder = MANIFESTS / "stripe"
    manifest = json.loads((folder / "stripe-app.json").read_text())
    views = manifest["ui_extension"]["views"]
    assert {each["component"] for each in views} == {path.stem for path in (folder / "src" / "views").iterdir()}
    for each in views:
        source = (folder / "src" / "views" / f"{each['component']}.tsx").read_text()
        assert f"export default function {each['component']}(" in source
    home = manifest["constants"]["TRUEDUE_URL"]
    path = stripe_app.PATH
    assert listing("stripe")["addresses"]["view"] == path
    assert f'const PATH = "{path}";' in (folder / "src" / "beside.ts").read_text()
    assert manifest["ui_extension"]["content_security_policy"]["connect-src"] == [home + path]


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_checklist_names_evidence_that_exists_and_who_is_to_do_the_rest(system: str) -> None:
    text = (MANIFESTS / system / "checklist.md").read_text()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")
    ]
    points = [row for row in rows if row[1] in STATES]
    assert len(points) == len(rows) - 1 > 8, "each row but the head is a point with a state"
    for point, state, evidence, who in points:
        paths = re.findall(r"`((?:\w[\w.-]*/)+[\w.-]+)`", evidence)
        assert all((ROOT / path).exists() for path in paths), (point, paths)
        assert (state == "met") == (who == ""), point
        assert bool(paths) or state == "missing", point
        assert evidence, point


def test_no_kind_is_told_of_that_nobody_reads() -> None:
    for system in SYSTEMS:
        by_name = {Kind.CONSENT.value, Kind.SAVED_MEANS.value}  # read when they are told of
        reads = {kind.value for kind in registry.declaration(system).reads} | by_name
        told = {kind for each in listing(system)["webhooks"] for kind in each["reads"].split(", ")}
        assert told <= reads, system
