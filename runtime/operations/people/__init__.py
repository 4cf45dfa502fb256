"""The people who work here: members, sign-in, sessions, tasks, and the key that seals what they connected."""
