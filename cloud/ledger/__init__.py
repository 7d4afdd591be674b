"""Puts commitments on a ledger: the embedded signed log, and the worker that feeds it."""
