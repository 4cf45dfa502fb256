"""Boundaries: organisations, consents, limits and secrets."""

from __future__ import annotations

from pydantic import SecretStr
from sqlalchemy import func, select

from runtime.simulation.stage import Play
from runtime.store import connections
from runtime.store import tables as t
from sandbox.life import Objection

Found = tuple[int, list[str]]
SHORTEST_SECRET = 12  # characters: a shorter setting is no secret that could be told from other text


def limits_respected(play: Play) -> Found:
    """[27] No vendor had to refuse a call for its published limit, or was asked before the time it had told."""
    avoidable = play.estate.avoidable_429()
    refused = [f"{avoidable} refusals for a limit"] if avoidable else []
    return len(play.estate.standins) + play.calls.waits, refused + play.calls.impatient


def connections_stand(play: Play) -> Found:
    """At rest, every connection still works."""
    checked, violations = 0, []
    for organisation_id in play.ids.values():
        with play.app.store.read() as db:
            for each in connections.connections(db, organisation_id):
                checked += 1
                if each.status != connections.CONNECTED:
                    violations.append(f"{each.system} is {each.status}")
    return checked, violations


def organisations_apart(play: Play) -> Found:
    """[24] No row names another organisation's or holds its money, no call asks for another account than its token's,
    no mail is mixed.
    """
    document, customer, allocation, receipt = t.document, t.customer, t.allocation, t.receipt
    with play.app.store.read() as db:
        count = db.scalar(select(func.count()).select_from(document)) or 0
        foreign = list(
            db.scalars(
                select(document.c.number)
                .join(customer, customer.c.id == document.c.customer_id)
                .where(customer.c.organisation_id != document.c.organisation_id)
            )
        )
        foreign += db.scalars(
            select(allocation.c.id)
            .join(document, document.c.id == allocation.c.document_id)
            .join(receipt, receipt.c.id == allocation.c.receipt_id)
            .where(
                (document.c.organisation_id != allocation.c.organisation_id)
                | (receipt.c.organisation_id != allocation.c.organisation_id)
            )
        )
        receipts = db.execute(select(receipt.c.organisation_id, receipt.c.external_id)).all()
    whose = {each.payment_intent: play.ids[key] for key, firm in play.life.firms.items() for each in firm.charges}
    mixed = [paid for here, paid in receipts if whose.get(paid, here) != here]
    crossed = [f"{name} names another organisation's" for name in foreign] + play.calls.crossed
    crossed += [f"{name} was paid to another organisation" for name in mixed]
    return count, crossed + [wrong.text for wrong in play.judge.wrongs if wrong.objection is Objection.ADDRESS]


def no_needless_refresh(play: Play) -> Found:
    """[25] A token is refreshed once, when it is about to end: a needless refresh may overwrite a newer one."""
    return play.calls.refreshes, play.calls.needless


def revoked_connection_is_silent(play: Play) -> Found:
    """[26] With a consent that was ended nothing is asked, nobody is reminded on its evidence, and a person is told."""
    checked, violations = len(play.lapses.ended_at), list(play.calls.insisted)
    violations += [wrong.text for wrong in play.judge.wrongs if wrong.objection is Objection.SHUT_OUT]
    lost = (t.problem.c.code == connections.CONNECTION_LOST) & t.problem.c.resolved_at.is_(None)
    with play.app.store.read() as db:
        broken = db.execute(
            select(t.connection.c.id, t.connection.c.system).where(t.connection.c.status == connections.BROKEN)
        )
        told = set(db.scalars(select(t.problem.c.subject).where(lost)))
        for row in broken:
            checked += 1
            if row.id not in told:
                violations.append(f"the connection to {row.system} is lost and nobody is told")
    return checked, violations


def no_secret_in_logs(play: Play) -> Found:
    """[28] No token, key, secret or address of a customer is logged."""
    lines, play.logged.lines = play.logged.lines, []
    secrets = {text for text in play.settings.model_dump(mode="python").values() if isinstance(text, SecretStr)}
    wanted = {secret.get_secret_value() for secret in secrets if len(secret.get_secret_value()) >= SHORTEST_SECRET}
    for standin in play.estate.standins:
        for grant in standin.oauth.grants.values():
            wanted |= {grant.access_token, grant.refresh_token}
    for firm in play.life.firms.values():
        wanted |= {customer.email for customer in firm.organisation.customers.values() if customer.email}
    text = "\n".join(lines)
    return len(lines), [f"{each[:4]}… was logged" for each in sorted(wanted) if each in text]
