"""Reminders: whom to weigh, by which policy, what is written, the gate, certificates, what became of it."""
