"""Taking what a vendor showed into the store: one room for parties, one for documents, one for money."""
