"""What else writes to the same customers: the ledger's or the processor's own reminders, which nothing here can stop.

A person is asked once. Their messages are counted nowhere: where they are on, contact limits cannot be kept.
"""

from __future__ import annotations

from runtime.app import App
from runtime.operations.organisations import keep_switch
from runtime.store.connections import Organisation


def say_what_else_reminds(app: App, *, organisation_id: str, others_remind: bool, actor: str) -> None:
    """Keep whether reminders of the ledger or the processor itself are on for this organisation, as a person says."""
    said = {"others_remind": others_remind}
    with app.store.write() as db:
        keep_switch(db, organisation_id, said, action="other_reminders_said", actor=actor, at=app.clock())


def warning(organisation: Organisation) -> str | None:
    """Return what speaks against sending beside what else may remind; None where nothing does."""
    if organisation.others_remind:
        return "the ledger or Stripe sends reminders of its own: customers hear twice, so switch them off there"
    if organisation.others_remind is None and organisation.sending_on:
        return "nobody has said whether the ledger or Stripe sends reminders of its own: look there, then say so"
    return None
