"""Late charges: on whose terms, what they come to, a person's decision, and what the ledger made of it."""
