"""What must hold, checked against the firms' books, and which number each has in SIMULATION."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from runtime.simulation.invariants import (
    autopay,
    boundaries,
    charges,
    discounts,
    in_step,
    intake,
    money,
    reminding,
    rest,
)
from runtime.simulation.invariants.tally import Tally
from runtime.simulation.stage import Play

Invariant = Callable[[Play], tuple[int, list[str]]]
# After steps. The others hold once the faults have stopped and everything came to rest.
ALWAYS: Mapping[Invariant, tuple[int, ...]] = {
    intake.taken_is_stored: (1,),
    intake.one_row_per_event: (2,),
    intake.forged_changes_nothing: (3,),
    intake.work_ends: (4,),
    money.received_once: (5,),
    money.money_conserved: (6,),
    money.currencies_apart: (6,),
    money.never_over_applied: (7,),
    in_step.versions_never_go_back: (9,),
    in_step.edits_are_noticed: (10, 18),
    in_step.unmapped_fields_unchanged: (12,),
    money.one_effect_per_intent: (14,),
    in_step.no_deletion_inferred: (16,),
    in_step.tombstones_stay_dead: (17,),
    in_step.nothing_read_is_missed: (18,),
    reminding.no_false_reminder: (19,),
    reminding.contact_limits_kept: (19,),
    reminding.one_message_per_slot: (20,),
    reminding.amounts_as_checked: (22,),
    reminding.quiet_hours: (23,),
    boundaries.organisations_apart: (24,),
    boundaries.no_needless_refresh: (25,),
    boundaries.revoked_connection_is_silent: (26,),
    boundaries.limits_respected: (27,),
    boundaries.no_secret_in_logs: (28,),
    money.audit_rebuilds_balances: (29,),
    autopay.taken_as_agreed: (33,),
    autopay.taken_once_and_owed: (34,),
    discounts.discounts_as_offered: (35,),
    charges.charged_as_approved: (36,),
}
# Also before and after an answer arrives that was overtaken: what it undoes is soon read again.
NEVER_BACK: tuple[Invariant, ...] = (in_step.versions_never_go_back, in_step.tombstones_stay_dead)
_RESTING: Mapping[Invariant, tuple[int, ...]] = {
    intake.inbox_ends: (4,),
    money.ledger_equals_truth: (5, 14),
    money.nothing_pending: (10,),
    in_step.hub_equals_ledger: (10,),
    in_step.everything_is_polled: (10,),
    in_step.crm_equals_hub: (10,),
    in_step.edits_arrive: (11, 15),
    reminding.due_is_reminded: (21,),
    reminding.certificates_chain: (22,),
    boundaries.connections_stand: (26,),
    autopay.taken_is_known: (34,),
    # These two do something, so they come last.
    rest.commutes_under_reordering: (8,),
    rest.quiet_writes_nothing: (13,),
}
AT_REST: Mapping[Invariant, tuple[int, ...]] = {**ALWAYS, **_RESTING}
NUMBERS: Mapping[str, tuple[int, ...]] = {each.__name__: numbers for each, numbers in AT_REST.items()}
unexplained, GRACE_DAYS = reminding.unexplained, reminding.GRACE_DAYS

__all__ = ["ALWAYS", "AT_REST", "GRACE_DAYS", "NEVER_BACK", "NUMBERS", "Invariant", "Tally", "unexplained"]
