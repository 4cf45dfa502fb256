"""Which open items money pays: what came, what went back, what is recorded already, what people decided."""
