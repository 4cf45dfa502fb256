"""What goes wrong: each kind by name, its chance when its moment comes, and how often it fired."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from random import Random
from types import MappingProxyType

# A fifth of the kinds is off in each seed, so that one cannot hide another.
OFF_SHARE = 0.2

WEBHOOKS = {
    "webhook_duplicate": 0.10,
    "webhook_drop": 0.06,
    "webhook_delay": 0.10,
    "webhook_delay_days": 0.02,
    "webhook_replay": 0.03,
    "webhook_forged": 0.05,
    "webhook_wrong_tenant": 0.02,
    "webhook_truncated": 0.03,
    "webhook_unknown": 0.02,
    "webhook_burst": 0.0008,
    "webhook_poison": 0.02,
    "webhook_withheld": 0.50,
    "webhook_switched_off": 0.0025,
    "intake_refused": 0.03,
}
CALLS = {
    "server_error": 0.010,
    "forbidden": 0.002,
    "throttled": 0.004,
    "throttled_unsaid": 0.002,
    "cut_before_effect": 0.006,
    "answer_lost": 0.040,
    "answer_cut_after_write": 0.040,
    "slow_answer": 0.006,
    "stale_read": 0.02,
    "read_not_found": 0.008,
    "listing_lags": 0.02,
    "equal_stamps": 0.004,
    "pages_shift": 0.60,
    "batch_in_part": 0.06,
    "key_expired": 0.15,
    "token_answer_lost": 0.05,
    "edited_first": 0.300,
    "overtaken": 0.010,
    "deleted_meanwhile": 0.020,
    "meanwhile_life": 0.040,
    "meanwhile_webhook": 0.020,
    "meanwhile_worker": 0.020,
    "meanwhile_poll": 0.002,
    "meanwhile_sender": 0.002,
}
PROCESS = {
    "crash_before_commit": 0.0008,
    "crash_after_commit": 0.0008,
    "crash_after_call": 0.0020,
    "commit_refused": 0.0010,
    "commit_unknown": 0.0008,
    "deadlock": 0.0006,
    "store_busy": 0.0010,
    "store_down": 0.0005,
    "disk_full": 0.0005,
    "wake_lost": 0.05,
    "wake_twice": 0.03,
    "wake_redelivered": 0.02,
    "broker_down": 0.004,
    "queue_purged": 0.004,
    "beat_twice": 0.02,
    "clock_skew": 0.30,
    "clock_backwards": 0.15,
}
DEATHS = ("crash_before_commit", "crash_after_commit", "crash_after_call")
MAIL = {"mail_refused": 0.06, "mail_accepted_then_lost": 0.05, "mail_put_off": 0.05}
LIFE = {
    "statement_again": 0.80,
    "statement_overlap": 0.30,
    "statement_missed": 0.10,
    "consent_revoked": 0.05,
    "token_ended": 0.05,
    "disconnected": 0.04,
    "second_install": 0.05,
    "small_pages": 1.0,
    "change_feed_cut": 1.0,
}
KINDS: Mapping[str, float] = WEBHOOKS | CALLS | PROCESS | MAIL | LIFE


class Faults:
    """The faults of one seed, `without` some kinds, and some so many times as `often`. `heal` ends them all."""

    def __init__(
        self, rng: Random, *, without: frozenset[str] = frozenset(), often: Mapping[str, float] = MappingProxyType({})
    ) -> None:
        self._rng = rng
        self.fired: Counter[str] = Counter(dict.fromkeys(KINDS, 0))
        self._chances = {
            name: 0.0 if rng.random() < OFF_SHARE else min(1.0, chance * often.get(name, 1.0))
            for name, chance in KINDS.items()
        }
        self._chances |= dict.fromkeys(without, 0.0)

    def heal(self) -> None:
        """Let nothing go wrong any more."""
        self._chances = dict.fromkeys(self._chances, 0.0)

    def strikes(self, name: str) -> bool:
        """Whether this fault happens now; counted when it does."""
        chance = self._chances[name]
        happens = chance > 0.0 and self._rng.random() < chance
        if happens:
            self.fired[name] += 1
        return happens

    def may_strike(self, name: str) -> bool:
        """Whether this fault happens now, if it finds something to happen to; `struck` counts it then."""
        chance = self._chances[name]
        return chance > 0.0 and self._rng.random() < chance

    def struck(self, name: str) -> None:
        """Count a fault that `may_strike` let happen."""
        self.fired[name] += 1

    def draw(self) -> Random:
        """What else a fault has to choose is drawn from the same source."""
        return self._rng
