"""Audits the ledger: boxes' chains, the cloud's rows and the ledger's entries against each other."""
