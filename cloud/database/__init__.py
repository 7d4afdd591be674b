"""The only SQL of the cloud: tables, and one module of plain functions per subject."""
