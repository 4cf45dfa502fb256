"""`make bench-reminders`: what planning costs, by how much is open and how much of it changed."""
