"""The chain of certificates: read from the store or from a file, written to a file, and verified."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select

from receivables.problem import Problem
from reminders.certificate import CertificateError, SealedCertificate, verify_chain
from runtime.operations.errors import InputError
from runtime.store import tables as t
from runtime.store.engine import Store

ROWS_AT_ONCE = 500
MAX_LINE_CHARACTERS = 1 << 20  # a certificate has a few thousand; a longer line is some other file


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many certificates were read up to the first break (or all), the digest of the last one, and the break."""

    count: int
    head: str | None
    problem: Problem | None


def verify_certificates(store: Store, organisation_id: str, *, head: str | None = None) -> Verdict:
    """Verify the chain that an organisation keeps; `head` is its last digest as it was kept elsewhere."""
    with store.read() as db:
        return _verify(stored(db, organisation_id), head)


def verify_file(path: Path, *, head: str | None = None) -> Verdict:
    """Verify a chain as `export` wrote it: JSON Lines, oldest first. InputError names a line that is no certificate."""
    return _verify(_from_file(path), head)


def stored(db: Connection, organisation_id: str) -> Iterator[SealedCertificate]:
    """Yield an organisation's certificates, oldest first."""
    rows = db.execution_options(yield_per=ROWS_AT_ONCE).execute(
        select(t.certificate.c.body, t.certificate.c.digest)
        .where(t.certificate.c.organisation_id == organisation_id)
        .order_by(t.certificate.c.sequence)
    )
    for row in rows:
        yield SealedCertificate(content=row.body, digest=row.digest)


def find(db: Connection, organisation_id: str, digest: str) -> SealedCertificate | None:
    """Return the certificate with this digest."""
    body = db.scalar(
        select(t.certificate.c.body).where(
            t.certificate.c.organisation_id == organisation_id, t.certificate.c.digest == digest
        )
    )
    return None if body is None else SealedCertificate(content=body, digest=digest)


def _verify(certificates: Iterable[SealedCertificate], head: str | None) -> Verdict:
    count, last = 0, None

    def counted() -> Iterator[SealedCertificate]:
        nonlocal count, last
        for sealed in certificates:
            count, last = count + 1, sealed.digest
            yield sealed

    problem = verify_chain(counted(), head=head)
    return Verdict(count, last, problem)


def _from_file(path: Path) -> Iterator[SealedCertificate]:
    if not path.is_file():
        raise InputError(f"{path}: this is no file" if path.exists() else f"{path}: there is no such file")
    with path.open(encoding="utf-8") as lines:
        number = 0
        try:
            while line := lines.readline(MAX_LINE_CHARACTERS):
                number += 1
                yield _sealed(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}: line {max(number, 1)}: {error}") from None


def _sealed(line: str) -> SealedCertificate:
    try:
        data = json.loads(line)
    except json.JSONDecodeError as error:
        raise CertificateError(f"this is no certificate: {error}") from None
    if not isinstance(data, dict):
        raise CertificateError("this is no certificate: a line must hold one object")
    return SealedCertificate.from_json(data)
