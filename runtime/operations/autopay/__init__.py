"""Autopay: invoices that are paid from a means that their payer saved, announced, taken once, and followed."""
