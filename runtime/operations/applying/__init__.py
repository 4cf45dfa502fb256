"""Money set against items and taken off again: allocations here, postings in the ledger, rests given up."""
