"""Bank accounts of the organisation that the processor reads at the bank."""
