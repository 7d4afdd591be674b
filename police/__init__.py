"""The police organisation's own process: listens on the police channel, tells the police, shows its page."""
