"""In step with ledger, processor and CRM: consents, reading, merging, writing, who is who, whose word counts."""
