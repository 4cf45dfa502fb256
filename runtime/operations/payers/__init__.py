"""What payers do: pay, promise, dispute, ask, answer a message, take their papers; and the links that let them."""
