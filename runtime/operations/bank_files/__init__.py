"""Statement files: taken in once however they overlap, what columns mean, what a bank account proves."""
