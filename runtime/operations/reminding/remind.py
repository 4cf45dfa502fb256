"""Remind, unattended: plan from what is known, then send what passes the gate."""

from __future__ import annotations

from collections import Counter

from runtime.app import App
from runtime.operations.autopay.announce import announce_payments, tell_failures
from runtime.operations.autopay.follow import watch_autopay
from runtime.operations.autopay.take import promise_payments
from runtime.operations.isolated import isolated
from runtime.operations.plans.announce_instalments import announce_instalments
from runtime.operations.plans.watch_plans import watch_plans
from runtime.operations.reaching.look_up import look_up
from runtime.operations.reaching.ways import carriers_of
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.reminding.send import send_reminders
from runtime.operations.reminding.send_statements import send_statements
from runtime.operations.reminding.thank import thank_payers
from runtime.store import connections


def remind_organisation(app: App, organisation_id: str) -> Counter[str]:
    """Plan and send the reminders of one organisation, and what it sends its payers beside them.

    RefusedError when sending is off or no channel is set up.
    """
    counted = Counter({f"asked_{name}": count for name, count in look_up(app, organisation_id).items()})
    watch_plans(app, organisation_id)  # a plan that is kept must not run out of its hold before this
    watch_autopay(app, organisation_id)  # what failed is asked for again, what is announced now is not reminded
    ahead = announce_payments(app, organisation_id)
    counted.update({f"autopay_ahead_{name}": count for name, count in ahead.items()})
    counted.update({f"autopay_{name}": count for name, count in promise_payments(app, organisation_id).items()})
    failed = tell_failures(app, organisation_id)
    counted.update({f"autopay_failed_{name}": count for name, count in failed.items()})
    counted.update({f"planned_{name}": count for name, count in plan_reminders(app, organisation_id).items()})
    counted.update(send_reminders(app, organisation_id))
    counted.update({f"thanks_{name}": count for name, count in thank_payers(app, organisation_id).items()})
    told = announce_instalments(app, organisation_id)
    counted.update({f"instalments_{name}": count for name, count in told.items()})
    stated = send_statements(app, organisation_id)
    counted.update({f"statements_{name}": count for name, count in stated.items()})
    return counted


def remind_everybody(app: App) -> Counter[str]:
    """Remind for every organisation that switched sending on; where no channel is set up nothing is planned or sent."""
    counted: Counter[str] = Counter()
    with app.store.read() as db:
        on = [each.id for each in connections.organisations(db) if each.sending_on]
        senders = [organisation_id for organisation_id in on if carriers_of(app, db, organisation_id)]
    for organisation_id in senders:
        with isolated(app, organisation_id, "reminding"), app.turns.take(f"remind {organisation_id}") as is_ours:
            if is_ours:
                counted.update(remind_organisation(app, organisation_id))
    return counted
