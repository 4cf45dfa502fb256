"""How a customer is reached: addresses, languages, channels and their carriers, what comes back, STOP."""
