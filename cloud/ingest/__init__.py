"""From the broker into the database, and the receipts back."""
