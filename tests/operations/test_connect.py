"""Connecting: only who began an attempt ends it, an account has one organisation, a token is renewed once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.wrappers import Request, Response

from connectors.contract import Role
from connectors.errors import Reconnect
from connectors.limits import Limit
from connectors.records import Kind
from runtime.operations.errors import RefusedError
from runtime.operations.organisations import create_organisation
from runtime.operations.reminding.remind import remind_everybody
from runtime.operations.systems.connect import STATE_LIFETIME, finish_connect
from runtime.operations.systems.disconnect import disconnect, look_after
from runtime.operations.systems.pull import pull
from runtime.operations.work import poll
from runtime.store import tables as t
from runtime.store.budget import StoredCalls
from runtime.store.connections import BROKEN, CONNECTED, DISCONNECTED
from runtime.vault import Vault, VaultError
from tests.operations.firm import TODAY, Firm, money_in

THREADS = 8
EXACT = money_in("L1", "120.00", "ACME LTD", "INV-1001")


def _other(firm: Firm) -> str:
    made = create_organisation(firm.app, name="Other", base_currency="GBP", time_zone="Europe/London", country="GB")
    return made.id


@pytest.mark.parametrize("system", ["xero", "salesforce", "stripe"])
def test_a_consent_becomes_a_connection(unconnected: Firm, system: str) -> None:
    accounts = {
        "xero": unconnected.ledger.account,
        "salesforce": unconnected.crm.org_id,
        "stripe": unconnected.stripe.account_id,
    }
    connection = unconnected.connect(system, accounts[system])
    assert (connection.account.external_id, connection.organisation_id) == (accounts[system], unconnected.id)
    (consent,) = _consents(unconnected)
    token = unconnected.app.vendors.token(consent.id, system)
    assert token.encode() not in consent.access_token, "tokens are encrypted at rest"


@pytest.mark.parametrize("system", ["quickbooks", "salesforce", "stripe"])
def test_a_vendor_that_will_not_tell_a_name_just_now_is_left_alone_as_it_says(unconnected: Firm, system: str) -> None:
    estate = unconnected.estate
    account, standin = {
        "quickbooks": (estate.quickbooks.add_company(name="Busy", home_currency="GBP").realm_id, estate.quickbooks),
        "salesforce": (unconnected.crm.org_id, estate.salesforce),
        "stripe": (unconnected.stripe.account_id, estate.stripe),
    }[system]

    def throttled(request: Request, answer: Callable[[], Response]) -> Response:
        asks = request.path.startswith(("/v1/account", "/services/data", "/v3/company"))
        return Response(status=429, headers={"Retry-After": "20"}) if asks else answer()

    standin.interceptor = throttled
    connection = unconnected.connect(system, account)
    assert account in connection.account.name, "it connects all the same"
    calls = StoredCalls(
        unconnected.app.store, unconnected.app.clock, system=system, account=account, limits=(Limit(9, 1.0),)
    )
    assert isinstance(calls.begin(urgent=True, of=""), float), "nobody may call it now"


def test_a_state_serves_once(unconnected: Firm) -> None:
    query = unconnected.consent("xero", unconnected.ledger.account)
    finish_connect(unconnected.app, system="xero", query=query)
    with pytest.raises(RefusedError, match="unknown or too old"):
        finish_connect(unconnected.app, system="xero", query=query)


@pytest.mark.parametrize("state", ["", "forged"])
def test_a_state_that_we_did_not_give_is_refused(unconnected: Firm, state: str) -> None:
    query = unconnected.consent("xero", unconnected.ledger.account) | {"state": state}
    with pytest.raises(RefusedError, match="unknown or too old"):
        finish_connect(unconnected.app, system="xero", query=query)
    assert unconnected.rows(t.connection) == []


def test_a_state_of_another_system_is_refused(unconnected: Firm) -> None:
    query = unconnected.consent("xero", unconnected.ledger.account)
    with pytest.raises(RefusedError):
        finish_connect(unconnected.app, system="stripe", query=query)


def test_an_old_state_is_refused(unconnected: Firm) -> None:
    query = unconnected.consent("xero", unconnected.ledger.account)
    unconnected.time.advance(seconds=STATE_LIFETIME.total_seconds() + 1)
    with pytest.raises(RefusedError, match="too old"):
        finish_connect(unconnected.app, system="xero", query=query)


def test_a_consent_that_was_denied_is_refused_and_kept_nowhere(unconnected: Firm) -> None:
    query = unconnected.consent("xero", unconnected.ledger.account)
    with pytest.raises(RefusedError, match="access_denied"):
        finish_connect(unconnected.app, system="xero", query={"state": query["state"], "error": "access_denied"})
    assert unconnected.rows(t.connection) == []


def test_another_organisations_account_is_refused(unconnected: Firm) -> None:
    mine = unconnected.connect("xero", unconnected.ledger.account)
    other = _other(unconnected)
    with pytest.raises(RefusedError, match="connected to another organisation"):
        unconnected.connect("xero", unconnected.ledger.account, other)
    (row,) = unconnected.rows(t.connection)
    assert (row.id, row.organisation_id) == (mine.id, unconnected.id)


def test_connecting_again_renews_the_same_connection(unconnected: Firm) -> None:
    first = unconnected.connect("xero", unconnected.ledger.account)
    again = unconnected.connect("xero", unconnected.ledger.account)
    assert again.id == first.id
    assert again.consent_id != first.consent_id
    assert pull(unconnected.app, again)["customer"] == 2


def test_a_disconnected_account_is_read_no_more(firm: Firm) -> None:
    disconnect(firm.app, organisation_id=firm.id, role=Role.LEDGER, actor="owner")
    with pytest.raises(AssertionError):
        firm.connection(Role.LEDGER)
    assert all(grant.revoked or not grant.accounts for grant in firm.estate.xero.oauth.grants.values())
    with pytest.raises(RefusedError):
        disconnect(firm.app, organisation_id=firm.id, role=Role.LEDGER, actor="owner")


def test_a_broken_connection_can_be_disconnected(unconnected: Firm) -> None:
    unconnected.connect("xero", unconnected.ledger.account)
    _end_every_grant(unconnected)
    unconnected.time.advance(minutes=31)
    poll(unconnected.app)
    assert unconnected.problems() == ["connection_lost"]
    disconnect(unconnected.app, organisation_id=unconnected.id, role=Role.LEDGER, actor="owner")
    assert unconnected.problems() == []
    (row,) = unconnected.rows(t.connection)
    assert row.status == DISCONNECTED


def test_a_vendor_that_cannot_be_told_is_named(firm: Firm) -> None:
    firm.estate.xero.interceptor = lambda _request, _answer: Response(status=503)
    disconnect(firm.app, organisation_id=firm.id, role=Role.LEDGER, actor="owner")
    assert firm.problems() == ["consent_stands"]
    with pytest.raises(AssertionError):
        firm.connection(Role.LEDGER)


def test_two_organisations_of_one_consent_share_its_tokens_and_end_apart(unconnected: Firm) -> None:
    app, xero = unconnected.app, unconnected.estate.xero
    second = xero.add_organisation(name="Second", base_currency="GBP", short_code="!y").tenant_id
    both, other = f"{unconnected.ledger.account},{second}", _other(unconnected)
    unconnected.connect("xero", both)
    theirs = unconnected.connect("xero", both, other)
    mine = unconnected.connection(Role.LEDGER)
    assert theirs.account.external_id == second != mine.account.external_id
    assert mine.consent_id == theirs.consent_id
    unconnected.time.advance(minutes=31)
    assert pull(app, mine)["customer"] == 2 and pull(app, theirs)["customer"] == 0
    assert xero.oauth.rotations == 1
    disconnect(app, organisation_id=other, role=Role.LEDGER, actor="owner")
    assert pull(app, mine, kinds=[Kind.CUSTOMER])["customer"] == 0  # read, and nothing changed
    assert [grant.accounts for grant in xero.oauth.grants.values() if not grant.revoked][-1] == (
        mine.account.external_id,
    )


@pytest.mark.parametrize("is_over", [True, False])
def test_a_visit_from_the_vendors_page_is_believed_only_as_far_as_it_is_true(firm: Firm, is_over: bool) -> None:
    if is_over:
        _end_every_grant(firm)
    look_after(firm.app, system="xero", account=firm.ledger.account)
    look_after(firm.app, system="xero", account="nobody's")
    (row,) = firm.rows(t.connection, system="xero")
    assert row.status == (BROKEN if is_over else CONNECTED)
    assert firm.problems() == (["connection_lost"] if is_over else [])


def _end_every_grant(firm: Firm) -> None:
    for grant in firm.estate.xero.oauth.grants.values():
        grant.revoked = True


# --- tokens


def _consents(firm: Firm) -> list[Any]:
    with firm.app.store.read() as db:
        return list(db.execute(select(t.consent)).all())


def test_eight_threads_renew_a_token_once_and_the_rotated_one_is_kept(unconnected: Firm) -> None:
    connection = unconnected.connect("xero", unconnected.ledger.account)
    for renewals in (1, 2):
        unconnected.time.advance(minutes=31)
        together = threading.Barrier(THREADS, timeout=10)

        def ask(_worker: int, together: threading.Barrier = together) -> str:
            together.wait()
            return unconnected.app.vendors.token(connection.consent_id, "xero")

        with ThreadPoolExecutor(THREADS) as pool:
            tokens = set(pool.map(ask, range(THREADS)))
        (grant,) = unconnected.estate.xero.oauth.grants.values()
        assert tokens == {grant.access_token}
        assert unconnected.estate.xero.oauth.rotations == renewals
    (consent,) = _consents(unconnected)
    assert consent.generation == 2
    kept = unconnected.app.vault.open(consent.refresh_token, consent.id, "xero", "refresh")
    assert kept == grant.refresh_token
    assert pull(unconnected.app, connection)["customer"] == 2


def test_a_token_that_still_lasts_is_not_renewed(unconnected: Firm) -> None:
    connection = unconnected.connect("xero", unconnected.ledger.account)
    unconnected.time.advance(minutes=20)
    unconnected.app.vendors.token(connection.consent_id, "xero")
    assert unconnected.estate.xero.oauth.rotations == 0


@pytest.mark.parametrize("role", Role)
def test_a_token_that_ends_before_its_time_is_renewed_and_breaks_nothing(firm: Firm, role: Role) -> None:
    connection = firm.connection(role)
    standin = next(each for each in firm.estate.standins if each.name == connection.system)
    for grant in standin.oauth.grants.values():
        grant.access_expires_at = firm.app.clock()
    pull(firm.app, connection)
    assert firm.connection(role).status == CONNECTED
    assert firm.problems() == []


def test_a_consent_that_the_vendor_ended_breaks_the_connection_until_it_is_given_again(unconnected: Firm) -> None:
    connection = unconnected.connect("xero", unconnected.ledger.account)
    _end_every_grant(unconnected)
    unconnected.time.advance(minutes=31)
    with pytest.raises(Reconnect):
        pull(unconnected.app, connection)
    (row,) = unconnected.rows(t.connection)
    assert row.status == BROKEN
    again = unconnected.connect("xero", unconnected.ledger.account)
    assert pull(unconnected.app, again)["customer"] == 2


def _write_to_the_ledger(firm: Firm) -> None:
    firm.import_lines(EXACT)
    firm.work()


def _show_in_the_crm(firm: Firm) -> None:
    firm.ledger.edit_due_date("INV-1001", TODAY)
    poll(firm.app, roles=[Role.LEDGER])
    firm.work()


def _remind(firm: Firm) -> None:
    firm.time.advance(minutes=2)  # what was read when the firm was opened is too old by now
    firm.switch_sending()
    remind_everybody(firm.app)


@pytest.mark.parametrize(
    ("system", "act"), [("xero", _write_to_the_ledger), ("salesforce", _show_in_the_crm), ("xero", _remind)]
)
def test_whoever_hears_that_a_consent_was_ended_asks_no_more(
    firm: Firm, system: str, act: Callable[[Firm], None]
) -> None:
    standin = getattr(firm.estate, system)
    for grant in standin.oauth.grants.values():
        grant.revoked = True
    act(firm)
    (row,) = firm.rows(t.connection, system=system)
    assert row.status == BROKEN
    assert "connection_lost" in firm.problems()
    asked = standin.calls.total()
    firm.time.advance(minutes=6)
    firm.work()
    poll(firm.app)
    _remind(firm)
    assert standin.calls.total() == asked
    assert firm.mailbox.mails == [] or system == "salesforce"  # the ledger is read all the same


# --- the vault


def test_a_secret_opens_for_its_own_purpose_only() -> None:
    vault = Vault(bytes(range(32)))
    sealed = vault.seal("secret", "consent-1", "xero", "access")
    assert vault.open(sealed, "consent-1", "xero", "access") == "secret"
    assert vault.seal("secret", "consent-1", "xero", "access") != sealed
    for purpose in (
        ("consent-2", "xero", "access"),
        ("consent-1", "stripe", "access"),
        ("consent-1", "xero", "refresh"),
        ("consent-1", "xero"),
        (),
    ):
        with pytest.raises(VaultError):
            vault.open(sealed, *purpose)
    with pytest.raises(VaultError):
        Vault(bytes(32)).open(sealed, "consent-1", "xero", "access")


@pytest.mark.parametrize("position", [0, 11, 12, -1])
def test_a_secret_that_was_tampered_with_does_not_open(position: int) -> None:
    vault = Vault(bytes(range(32)))
    sealed = bytearray(vault.seal("secret", "consent"))
    sealed[position] ^= 1
    with pytest.raises(VaultError):
        vault.open(bytes(sealed), "consent")


@pytest.mark.parametrize("sealed", [b"", b"short", bytes(12)])
def test_what_is_no_secret_does_not_open(sealed: bytes) -> None:
    with pytest.raises(VaultError):
        Vault(bytes(range(32))).open(sealed, "consent")


def test_what_was_said_in_the_crm_until_it_is_disconnected_counts(firm: Firm) -> None:
    firm.settle()
    firm.edit_in_crm("INV-1001", Disputed__c=True, Dispute_Reason__c="wrong price")
    disconnect(firm.app, organisation_id=firm.id, role=Role.CRM, actor="owner")
    assert firm.document("INV-1001").disputed, "nobody reads there any more"
    assert not firm.document("INV-1002").disputed
