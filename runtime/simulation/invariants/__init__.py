"""What must hold, checked against the firms' books (SIMULATION: the numbers in brackets)."""

from __future__ import annotations

from collections.abc import Callable

from runtime.simulation.invariants import boundaries, in_step, intake, money, reminding
from runtime.simulation.invariants.tally import Tally
from runtime.simulation.stage import Play

Invariant = Callable[[Play], tuple[int, list[str]]]
# After steps. The others hold once the faults have stopped and everything came to rest.
ALWAYS: tuple[Invariant, ...] = (
    intake.taken_is_stored,
    intake.one_row_per_event,
    intake.forged_changes_nothing,
    intake.work_ends,
    money.money_conserved,
    money.never_over_applied,
    money.audit_rebuilds_balances,
    in_step.versions_never_go_back,
    in_step.unmapped_fields_unchanged,
    in_step.no_deletion_inferred,
    in_step.tombstones_stay_dead,
    in_step.nothing_read_is_missed,
    reminding.no_false_reminder,
    reminding.one_message_per_slot,
    reminding.quiet_hours,
    boundaries.organisations_apart,
    boundaries.no_needless_refresh,
    boundaries.revoked_connection_is_silent,
    boundaries.limits_respected,
    boundaries.no_secret_in_logs,
)
AT_REST: tuple[Invariant, ...] = (
    *ALWAYS,
    intake.inbox_ends,
    money.nothing_pending,
    money.ledger_equals_truth,
    in_step.hub_equals_ledger,
    in_step.crm_equals_hub,
    in_step.edits_arrive,
    reminding.due_is_reminded,
    reminding.certificates_chain,
    boundaries.connections_stand,
    intake.commutes_under_reordering,
)
unexplained = reminding.unexplained

__all__ = ["ALWAYS", "AT_REST", "Invariant", "Tally", "unexplained"]
