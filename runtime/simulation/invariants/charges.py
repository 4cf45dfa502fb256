"""Late charges: only what the rule comes to, of what is truly late, once, and after a person's approval."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from sqlalchemy import select

from receivables.money import Money
from runtime.operations.charges.decide import WAIVED
from runtime.simulation.stage import Play
from runtime.store import tables as t
from sandbox.life import Verdict

Found = tuple[int, list[str]]


def charged_as_approved(play: Play) -> Found:
    """[36] What was shown to be charged was owed; what is kept and posted is what she approved, once in the ledger."""
    checked, violations = 0, []
    charge, document = t.charge.c, t.document.c
    for key, organisation_id in play.ids.items():
        firm = play.life.firms[key]
        mine = charge.organisation_id == organisation_id
        known = select(t.charge, document.number).join(t.document, document.id == charge.document_id).where(mine)
        with play.app.store.read() as db:
            rows = db.execute(known).all()
        said, posted = set(firm.verdicts), Counter(firm.ledger.charges())
        checked += len(rows) + posted.total()
        violations += firm.charged_wrongly
        for row in rows:
            amount = Money(row.interest_minor + row.fixed_minor, row.currency).decimal
            if Verdict(row.number, row.until, amount, row.state != WAIVED) not in said:
                violations.append(f"{key} {row.number}: {amount} through {row.until} is {row.state}, which nobody said")
        approved = Counter((each.number, each.amount) for each in firm.verdicts if each.is_charged)
        of_each: Counter[tuple[str, Decimal]] = Counter()
        for (reference, total), count in posted.items():
            of_each[reference.split(" ", 1)[0], total] += count
            if count > 1:
                violations.append(f"{key} {reference}: {total} was posted {count} times")
        for (number, total), count in of_each.items():
            if count > (times := approved[number, total]):
                violations.append(f"{key} {number}: {total} was posted {count} times and approved {times}")
    return checked, violations
