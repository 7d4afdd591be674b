"""The `sentrybox` command."""
