"""The tables as SQLModel classes. Times are Instants (text that sorts by time); JSON columns hold contract models.

The schema itself is made by schema.py; a test compares the two. There are no foreign keys between what boxes send:
messages come in any order.
"""
