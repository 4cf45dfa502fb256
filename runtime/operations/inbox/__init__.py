"""What vendors tell by webhook: stored before the answer, followed by workers, else set aside with its reason."""
