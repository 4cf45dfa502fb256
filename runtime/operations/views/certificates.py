"""The certificates of an invoice, as people read them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from receivables.money import Money
from reminders.certificate import SealedCertificate
from runtime.store import tables as t

MAX_CERTIFICATES = 20


@dataclass(frozen=True, slots=True)
class CertificateCheck:
    """A hold that was asked, with the answer (`clear`, `holds`, `reported`) in words."""

    code: str
    outcome: str
    finding: str


@dataclass(frozen=True, slots=True)
class CertificateView:
    """A certificate as it is kept; `reads` are (system, subject, version, read at).

    `is_whole` says whether its content is still the one that its digest was made of.
    """

    sequence: int
    digest: str
    is_whole: bool
    previous: str
    as_of: datetime
    verdict: str
    level: int | None
    amount_due: Money
    policy: str
    recipient: str
    checks: tuple[CertificateCheck, ...]
    reads: tuple[tuple[str, str, str, datetime], ...]


def certificates(db: Connection, organisation_id: str, document_id: str) -> tuple[CertificateView, ...]:
    """Return at most MAX_CERTIFICATES of an invoice, the newest first."""
    rows = db.execute(
        select(t.certificate)
        .where(t.certificate.c.organisation_id == organisation_id, t.certificate.c.document_id == document_id)
        .order_by(t.certificate.c.sequence.desc())
        .limit(MAX_CERTIFICATES)
    )
    return tuple(_certificate(row.sequence, row.previous, SealedCertificate(row.body, row.digest)) for row in rows)


def _certificate(sequence: int, previous: str, sealed: SealedCertificate) -> CertificateView:
    body: dict[str, Any] = json.loads(sealed.content)
    due = body["amount_due"]
    evidence = body["evidence"]
    return CertificateView(
        sequence=sequence,
        digest=sealed.digest,
        is_whole=sealed.is_whole,
        previous=previous,
        as_of=datetime.fromisoformat(body["as_of"]),
        verdict=body["verdict"],
        level=body["level"],
        amount_due=Money.parse(due["amount"], due["currency"]),
        policy=f"{body['policy']}, version {body['policy_version']}",
        recipient=evidence["contact"]["address"] or "",
        checks=tuple(CertificateCheck(each["code"], each["outcome"], each["finding"]) for each in body["checks"]),
        reads=tuple(
            (each["system"], each["subject"], each["version"], datetime.fromisoformat(each["read_at"]))
            for each in evidence["versions"]
        ),
    )
