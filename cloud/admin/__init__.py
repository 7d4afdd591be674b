"""REST and pages of the cloud: people, fleet, incidents, ledger, audit."""
