"""The schema of the cloud's database, as ordered migrations; never edit one that shipped.

The SQL is the common part of SQLite and PostgreSQL; `{blob}` is the one word they spell differently.
"""

from cloud.database.access_schema import ACCESS
from cloud.database.migrations import Migration

FIRST: Migration = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE counters (id INTEGER PRIMARY KEY, revision BIGINT NOT NULL, audit BIGINT NOT NULL)",
    "INSERT INTO counters (id, revision, audit) VALUES (1, 0, 0)",
    """CREATE TABLE boxes (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, public_key TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN
    ('pending', 'active', 'revoked')), claimed_at TEXT NOT NULL, last_seen TEXT, status TEXT, agrees BOOLEAN,
    certificate_serial TEXT NOT NULL, certificate_expires TEXT NOT NULL)""",
    """CREATE TABLE claim_codes (
    hash TEXT PRIMARY KEY, created_by TEXT NOT NULL, created_at TEXT NOT NULL, expires_at TEXT NOT NULL,
    used_at TEXT, box TEXT, public_key TEXT, certificate TEXT)""",
    """CREATE TABLE received (
    box TEXT NOT NULL, id TEXT NOT NULL, hash TEXT NOT NULL, result TEXT NOT NULL, reason TEXT NOT NULL,
    at TEXT NOT NULL, PRIMARY KEY (box, id))""",
    """CREATE TABLE entries (
    record_id TEXT PRIMARY KEY, box TEXT NOT NULL, sequence BIGINT NOT NULL, record_type TEXT NOT NULL,
    hash TEXT NOT NULL, salt TEXT NOT NULL, content TEXT NOT NULL, received_at TEXT NOT NULL, UNIQUE (box,
    sequence))""",
    """CREATE TABLE incidents (
    id TEXT PRIMARY KEY, box TEXT NOT NULL, at TEXT NOT NULL, kind TEXT NOT NULL, severity TEXT NOT NULL,
    camera TEXT, location TEXT NOT NULL, content TEXT NOT NULL, received_at TEXT NOT NULL)""",
    "CREATE INDEX incidents_newest ON incidents (at, id)",
    "CREATE TABLE incident_people (incident TEXT NOT NULL, person TEXT NOT NULL, PRIMARY KEY (incident, person))",
    "CREATE INDEX incident_people_person ON incident_people (person)",
    """CREATE TABLE actions (
    id TEXT PRIMARY KEY, incident TEXT NOT NULL, box TEXT, at TEXT NOT NULL, verb TEXT NOT NULL, content TEXT
    NOT NULL)""",
    "CREATE INDEX actions_incident ON actions (incident)",
    """CREATE TABLE logs (
    id TEXT PRIMARY KEY, box TEXT NOT NULL, at TEXT NOT NULL, severity TEXT NOT NULL, content TEXT NOT NULL)""",
    "CREATE TABLE notices (id TEXT PRIMARY KEY, box TEXT, at TEXT NOT NULL, content TEXT NOT NULL)",
    """CREATE TABLE profiles (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, revision BIGINT NOT NULL, content TEXT NOT NULL, stamps TEXT
    NOT NULL)""",
    """CREATE TABLE waiting_changes (
    id TEXT PRIMARY KEY, profile_id TEXT NOT NULL, box TEXT NOT NULL, made_at TEXT NOT NULL, by TEXT
    NOT NULL, content TEXT NOT NULL)""",
    "CREATE INDEX waiting_changes_profile ON waiting_changes (profile_id)",
    "CREATE TABLE erasures (profile_id TEXT PRIMARY KEY, requested_at TEXT NOT NULL, by TEXT NOT NULL)",
    """CREATE TABLE erasure_boxes (
    profile_id TEXT NOT NULL, box TEXT NOT NULL, confirmed_at TEXT, PRIMARY KEY (profile_id, box))""",
    """CREATE TABLE changes (
    revision BIGINT PRIMARY KEY, scope TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, UNIQUE (scope,
    kind, key))""",
    """CREATE TABLE ledger_jobs (
    record_id TEXT PRIMARY KEY, box TEXT NOT NULL, channels TEXT NOT NULL, content TEXT NOT NULL, state TEXT
    NOT NULL CHECK (state IN ('queued', 'anchored', 'parked')), attempts INTEGER NOT NULL, not_before TEXT
    NOT NULL, claimed_until TEXT NOT NULL, reason TEXT NOT NULL)""",
    "CREATE INDEX ledger_jobs_due ON ledger_jobs (state, not_before)",
    """CREATE TABLE anchors (
    record_id TEXT NOT NULL, channel TEXT NOT NULL, anchor TEXT NOT NULL, inclusion TEXT NOT NULL, PRIMARY
    KEY (record_id, channel))""",
    """CREATE TABLE deliveries (
    id TEXT PRIMARY KEY, subject TEXT NOT NULL, box TEXT, recipient TEXT NOT NULL, audience TEXT NOT NULL,
    channel TEXT NOT NULL, address TEXT NOT NULL, state TEXT NOT NULL, provider_id TEXT, reason TEXT NOT NULL,
    attempts INTEGER NOT NULL, unclear INTEGER NOT NULL, updated_at TEXT NOT NULL, not_before TEXT NOT NULL,
    claimed_until TEXT NOT NULL)""",
    "CREATE INDEX deliveries_subject ON deliveries (subject)",
    "CREATE INDEX deliveries_due ON deliveries (state, not_before)",
    """CREATE TABLE uploads (
    box TEXT NOT NULL, sha256 TEXT NOT NULL, media_type TEXT NOT NULL, size BIGINT NOT NULL, count INTEGER
    NOT NULL, PRIMARY KEY (box, sha256))""",
    """CREATE TABLE chunks (
    box TEXT NOT NULL, sha256 TEXT NOT NULL, number INTEGER NOT NULL, data {blob} NOT NULL, PRIMARY KEY (box,
    sha256, number))""",
    """CREATE TABLE files (
    sha256 TEXT PRIMARY KEY, media_type TEXT NOT NULL, size BIGINT NOT NULL, at TEXT NOT NULL)""",
    """CREATE TABLE quarantine (
    id TEXT PRIMARY KEY, box TEXT NOT NULL, message_id TEXT NOT NULL, hash TEXT NOT NULL, kind TEXT NOT NULL,
    reason TEXT NOT NULL, content TEXT NOT NULL, at TEXT NOT NULL, UNIQUE (box, message_id, hash))""",
    """CREATE TABLE audit (
    number BIGINT PRIMARY KEY, at TEXT NOT NULL, by TEXT NOT NULL, action TEXT NOT NULL, subject TEXT
    NOT NULL, detail TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL)""",
    """CREATE TABLE accounts (
    name TEXT PRIMARY KEY, role TEXT NOT NULL, password TEXT NOT NULL, created_at TEXT NOT NULL,
    failures INTEGER NOT NULL, locked_until TEXT NOT NULL)""",
    """CREATE TABLE secrets (
    hash TEXT PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('session', 'token', 'first')), name TEXT
    NOT NULL, role TEXT NOT NULL, created_at TEXT NOT NULL, expires_at TEXT NOT NULL)""",
)

POLICE: Migration = (
    """CREATE TABLE releases (
    record_id TEXT PRIMARY KEY, released_at TEXT NOT NULL, released_by TEXT NOT NULL, withdrawn_at TEXT,
    withdrawn_by TEXT)""",
    """CREATE TABLE police_entries (
    id TEXT PRIMARY KEY, number BIGINT NOT NULL UNIQUE, campus TEXT NOT NULL, commitment TEXT NOT NULL,
    severity TEXT NOT NULL, block BIGINT NOT NULL, transaction_id TEXT NOT NULL, seen_at TEXT NOT NULL)""",
    """CREATE TABLE police_acknowledgements (
    entry TEXT PRIMARY KEY, state TEXT NOT NULL CHECK (state IN ('queued', 'acknowledged')), attempts INTEGER NOT NULL,
    not_before TEXT NOT NULL, transaction_id TEXT NOT NULL, envelope {blob}, block BIGINT, reason TEXT NOT NULL,
    updated_at TEXT NOT NULL)""",
    "CREATE INDEX police_acknowledgements_due ON police_acknowledgements (state, not_before)",
    """CREATE TABLE police_details (
    entry TEXT PRIMARY KEY, state TEXT NOT NULL CHECK (state IN ('waiting', 'verified', 'mismatch', 'withdrawn')),
    content TEXT NOT NULL, reason TEXT NOT NULL, asked_at TEXT, not_before TEXT NOT NULL, updated_at TEXT NOT NULL)""",
    "CREATE INDEX police_details_due ON police_details (not_before)",
)

SUBMISSIONS: Migration = (
    """CREATE TABLE ledger_submissions (
    id TEXT PRIMARY KEY, channel TEXT NOT NULL, transaction_id TEXT NOT NULL, envelope {blob} NOT NULL, attempts INTEGER
    NOT NULL, not_before TEXT NOT NULL, claimed_until TEXT NOT NULL)""",
    "CREATE INDEX ledger_submissions_due ON ledger_submissions (channel, not_before)",
    "DROP INDEX ledger_jobs_due",
    "ALTER TABLE ledger_jobs RENAME TO ledger_jobs_of_all_channels",
    """CREATE TABLE ledger_jobs (
    record_id TEXT NOT NULL, channel TEXT NOT NULL, box TEXT NOT NULL, content TEXT NOT NULL, urgent BOOLEAN NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('recorded', 'submitted', 'anchored', 'parked')), submission TEXT, place INTEGER
    NOT NULL, attempts INTEGER NOT NULL, not_before TEXT NOT NULL, claim TEXT NOT NULL, claimed_until TEXT NOT NULL,
    reason TEXT NOT NULL, queued_at TEXT NOT NULL, PRIMARY KEY (record_id, channel))""",
    """INSERT INTO ledger_jobs SELECT record_id, 'general', box, content, channels LIKE '%police%',
    CASE state WHEN 'queued' THEN 'recorded' ELSE state END, NULL, 0, attempts, not_before, '', '', reason, ''
    FROM ledger_jobs_of_all_channels WHERE channels LIKE '%general%'""",
    """INSERT INTO ledger_jobs SELECT record_id, 'police', box, content, true,
    CASE state WHEN 'queued' THEN 'recorded' ELSE state END, NULL, 0, attempts, not_before, '', '', reason, ''
    FROM ledger_jobs_of_all_channels WHERE channels LIKE '%police%'""",
    "DROP TABLE ledger_jobs_of_all_channels",
    "CREATE INDEX ledger_jobs_due ON ledger_jobs (channel, state, urgent, not_before)",
    "CREATE INDEX ledger_jobs_submission ON ledger_jobs (submission)",
)

WITHOUT_POLICE: Migration = (
    "DROP TABLE police_entries",
    "DROP TABLE police_acknowledgements",
    "DROP TABLE police_details",
)

# The tellings there were until now were the first of their people.
STEPS: Migration = ("ALTER TABLE deliveries ADD COLUMN step INTEGER NOT NULL DEFAULT 0",)

# The releases there were until now were to the one organisation, `police`.
ORGANISATIONS: Migration = (
    "ALTER TABLE releases RENAME TO releases_to_police",
    """CREATE TABLE releases (
    record_id TEXT NOT NULL, organisation TEXT NOT NULL, released_at TEXT NOT NULL, released_by TEXT NOT NULL,
    withdrawn_at TEXT, withdrawn_by TEXT, PRIMARY KEY (record_id, organisation))""",
    """INSERT INTO releases SELECT record_id, 'police', released_at, released_by, withdrawn_at, withdrawn_by
    FROM releases_to_police""",
    "DROP TABLE releases_to_police",
)

MIGRATIONS: tuple[Migration, ...] = (
    FIRST, POLICE, SUBMISSIONS, WITHOUT_POLICE, ACCESS, STEPS, ORGANISATIONS)
