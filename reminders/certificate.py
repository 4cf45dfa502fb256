"""The proof behind each decision to remind or not: what was known, what was checked, chained by digests."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from receivables.money import Money
from receivables.problem import Problem
from reminders.evidence import ItemEvidence
from reminders.findings import why_clear
from reminders.holds import Hold, HoldCode, evaluate, stale
from reminders.schedule import ItemDecision, PlanningReason, Verdict


class CertificateError(ValueError):
    """A decision that its own evidence does not bear out; nothing may be sent on it."""


FORMAT = 1  # of the certificate's JSON; a change of shape gets a new number


@dataclass(frozen=True, slots=True)
class Check:
    """One hold that was asked: `outcome` is `clear`, `holds`, or `reported` (seen, but not held on)."""

    code: HoldCode
    outcome: str
    finding: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """All that a decision about one item rested on. `previous` is the digest of the certificate before it."""

    organisation: str
    item_id: str
    as_of: datetime
    policy: str
    policy_version: int
    verdict: Verdict
    level: int | None
    amount_due: Money
    evidence: ItemEvidence
    checks: tuple[Check, ...]
    planning: PlanningReason | None
    previous: str | None

    def canonical(self) -> str:
        """The certificate as JSON with sorted keys and no spare space: equal facts give equal text."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        content = {"format": FORMAT, **{name: _plain(value) for name, value in fields.items()}}
        return _canonical(content)

    def seal(self) -> SealedCertificate:
        """Fix the content with its SHA-256 digest, ready to be kept."""
        content = self.canonical()
        return SealedCertificate(content=content, digest=_digest(content))


@dataclass(frozen=True, slots=True)
class SealedCertificate:
    """A certificate as it is stored: canonical JSON and the SHA-256 of its UTF-8 bytes, in hexadecimal."""

    content: str
    digest: str

    @property
    def is_whole(self) -> bool:
        """Whether the content is the one that was sealed."""
        return _digest(self.content) == self.digest

    def as_json(self) -> dict[str, Any]:
        """The content as JSON-ready data with its digest beside it."""
        return {**json.loads(self.content), "digest": self.digest}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SealedCertificate:
        """Take back what `as_json` gave; CertificateError for anything that cannot have been a certificate."""
        digest = data.get("digest")
        if not isinstance(digest, str) or "previous" not in data:
            raise CertificateError("this is no certificate: it has no digest, or names none before it")
        try:
            content = _canonical({name: value for name, value in data.items() if name != "digest"})
        except ValueError as error:
            raise CertificateError(f"this is no certificate: {error}") from None
        return cls(content=content, digest=digest)


def certify(
    *,
    organisation: str,
    decision: ItemDecision,
    as_of: datetime,
    previous: str | None,
    freshness_is_reported: bool = False,
) -> Certificate:
    """Write down what `decision` rests on.

    Every hold is asked again: CertificateError when the decision's holds are not those of its evidence at `as_of`,
    or when it would remind in spite of one.
    """
    item_id, policy = decision.evidence.item.item_id, decision.policy
    found = evaluate(
        evidence=decision.evidence,
        as_of=as_of,
        limits=policy.limits,
        freshness_is_reported=freshness_is_reported,
    )
    if found != decision.holds:
        raise CertificateError(f"the holds of {item_id} are not those of its evidence at {as_of.isoformat()}")
    if decision.verdict is Verdict.REMIND and found:
        raise CertificateError(f"{item_id} cannot be reminded: it is held")
    holds = {hold.code: hold for hold in found}
    return Certificate(
        organisation=organisation,
        item_id=item_id,
        as_of=as_of,
        policy=policy.name,
        policy_version=policy.version,
        verdict=decision.verdict,
        level=None if decision.level is None else decision.level.level,
        amount_due=decision.evidence.remaining,
        evidence=decision.evidence,
        checks=tuple(_check(code, holds, decision.evidence, as_of, freshness_is_reported) for code in HoldCode),
        planning=decision.planning,
        previous=previous,
    )


def decision_json(
    *,
    organisation: str,
    decision: ItemDecision,
    as_of: datetime,
    previous: str | None = None,
    freshness_is_reported: bool = False,
) -> dict[str, Any]:
    """One line of `truedue remind --dry-run` (DESIGN section 6). What the policy does not ask for is `held` too,
    with a planning code in place of a hold.
    """
    sealed = certify(
        organisation=organisation,
        decision=decision,
        as_of=as_of,
        previous=previous,
        freshness_is_reported=freshness_is_reported,
    ).seal()
    reasons: list[Hold | PlanningReason] = [*decision.holds]
    if decision.planning is not None:
        reasons.append(decision.planning)
    return {
        "organisation": organisation,
        "item_id": decision.evidence.item.item_id,
        "decision": "remind" if decision.verdict is Verdict.REMIND else "held",
        "level": None if decision.level is None else decision.level.level,
        "channel": decision.evidence.contact.channel.value,
        "holds": [{"code": reason.code.value, "reason": reason.reason} for reason in reasons],
        "certificate": sealed.as_json(),
    }


def verify_chain(certificates: Iterable[SealedCertificate], *, head: str | None = None) -> Problem | None:
    """Return the first break in a chain, oldest first: a changed content, or one missing, added or moved.

    Cutting the newest ones off, or rewriting all of them, shows only against `head`, the last digest kept elsewhere.
    """
    previous: str | None = None
    for place, sealed in enumerate(certificates, start=1):
        subject = f"certificate {place}"
        if not sealed.is_whole:
            return _broken("certificate_changed", f"{subject} does not match its digest", sealed.digest)
        if json.loads(sealed.content)["previous"] != previous:
            return _broken("chain_broken", f"{subject} does not follow the one before it", sealed.digest)
        previous = sealed.digest
    if head is not None and previous != head:
        return _broken("chain_head", "the chain does not end at the digest kept for it", head)
    return None


def _broken(code: str, text: str, subject: str) -> Problem:
    return Problem(code, text, "Stop sending and compare the store with its last backup.", subject)


def _check(
    code: HoldCode,
    holds: Mapping[HoldCode, Hold],
    evidence: ItemEvidence,
    as_of: datetime,
    freshness_is_reported: bool,
) -> Check:
    if code in holds:
        return Check(code, "holds", holds[code].reason, holds[code].until)
    gap = stale(evidence, as_of) if code is HoldCode.STALE and freshness_is_reported else None
    if gap is not None:
        return Check(code, "reported", gap.reason)
    return Check(code, "clear", why_clear(code, evidence, as_of))


def _canonical(content: Mapping[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def _plain(value: object) -> object:
    """Turn facts into JSON: money as text and currency, times in ISO 8601, records as objects."""
    if isinstance(value, Money):
        return {"amount": value.text(), "currency": value.currency}
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return value
