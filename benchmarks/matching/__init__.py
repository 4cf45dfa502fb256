"""Matching, measured: a world of noisy receipts with known truth, our matcher, and what else there is."""
