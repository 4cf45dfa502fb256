"""Payment plans: agreed with a recorded consent, followed, told of before an instalment is due, ended."""
