"""Verify the stored chain of certificates."""

from __future__ import annotations

from sqlalchemy import select

from receivables.problem import Problem
from reminders.certificate import SealedCertificate, verify_chain
from runtime.store import tables as t
from runtime.store.engine import Store


def verify_certificates(store: Store, organisation_id: str) -> tuple[int, Problem | None]:
    """Return how many certificates an organisation has, and the first break of their chain if there is one."""
    with store.read() as db:
        rows = db.execute(
            select(t.certificate.c.body, t.certificate.c.digest)
            .where(t.certificate.c.organisation_id == organisation_id)
            .order_by(t.certificate.c.sequence)
        )
        chain = [SealedCertificate(content=row.body, digest=row.digest) for row in rows]
    return len(chain), verify_chain(chain)
