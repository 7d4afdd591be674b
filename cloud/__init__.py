"""The cloud: one campus or many. Its processes are wired in app.py."""
