"""The schema of the police organisation's database, as ordered migrations; never edit one that shipped.

The first three are the cloud's, whose tables the police had too; the fourth leaves those that they use. What comes
later to a table that both have is one migration, which both name.
"""

from cloud.database import schema
from cloud.database.access_schema import ACCESS
from cloud.database.migrations import Migration

_OF_A_CAMPUS = (
    "boxes", "claim_codes", "received", "entries", "incidents", "incident_people", "actions", "logs", "notices",
    "profiles", "waiting_changes", "erasures", "erasure_boxes", "changes", "ledger_jobs", "ledger_submissions",
    "anchors", "uploads", "chunks", "files", "quarantine", "releases")
OWN: Migration = tuple(f"DROP TABLE {table}" for table in _OF_A_CAMPUS)

MIGRATIONS: tuple[Migration, ...] = (schema.FIRST, schema.POLICE, schema.SUBMISSIONS, OWN, ACCESS, schema.STEPS)
