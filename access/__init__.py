"""Access: accounts, passwords, lock-out, sessions, tokens. The same rules for box, cloud and police."""
