"""The ledger's audit: what it found last, kept for people to see, and who audits next."""

from datetime import timedelta

from pydantic import Field
from sqlalchemy import update
from sqlmodel import Session, col

from cloud.database import meta
from cloud.database.engine import insert_if_absent
from cloud.database.tables.site import MetaRow
from contract.ids import Hash
from contract.model import Model
from contract.moments import Instant, from_text, to_text

LAST = "ledger-audit"
TOLD = "ledger-audit-told"
CLAIM = "ledger-audit-claim"
KEPT = 100
"""Findings that are kept to be shown; the others are counted."""


class AuditFinding(Model):
    """One gap or difference. `kind` is explained in docs/audit.md; `where` says of what, `text` what is wrong,
    `advice` what to do; `key` stays the same while the finding lasts. No name, no description of an incident: findings
    are shown and sent."""

    kind: str
    where: str
    text: str
    advice: str
    key: str

    def line(self) -> str:
        """Return the finding in one line."""
        return f"{self.kind}: {self.where}: {self.text}. {self.advice}"


class AuditResult(Model):
    """The result of an audit. `checked`: how many of what were looked at. `waiting`: records younger than the audit's
    patience that are still on their way. `unavailable`: what could not be asked, so that nothing is known of it.
    `fingerprint` is the same for the same findings."""

    started_at: Instant
    finished_at: Instant
    checked: dict[str, int]
    waiting: int
    count: int
    findings: tuple[AuditFinding, ...] = Field(max_length=KEPT)
    unavailable: tuple[str, ...]
    fingerprint: Hash


class Told(Model):
    """The findings that security was told of last: the deliveries' subject, how many, the first lines."""

    subject: str
    fingerprint: Hash
    count: int
    lines: tuple[str, ...]


def last(session: Session) -> AuditResult | None:
    """Return the newest audit, None when there was none."""
    text = meta.get(session, LAST)
    return None if text is None else AuditResult.model_validate_json(text)


def keep(session: Session, result: AuditResult) -> None:
    """Keep the newest audit in place of the one before."""
    meta.put(session, LAST, result.model_dump_json())


def told(session: Session) -> Told | None:
    """Return what security was told last, None while nothing is wrong."""
    text = meta.get(session, TOLD)
    return None if not text else Told.model_validate_json(text)


def told_of(session: Session, subject: str) -> Told | None:
    """Return the findings that deliveries with this subject are about."""
    found = told(session)
    return found if found is not None and found.subject == subject else None


def keep_told(session: Session, told: Told | None) -> None:
    """Keep what security was told; None: all agrees again, so that the same findings are news when they come back."""
    meta.put(session, TOLD, "" if told is None else told.model_dump_json())


def claim(session: Session, at: str, lease_s: float) -> bool:
    """Return whether this worker may audit now; no other may for `lease_s` seconds, unless it is renewed or given back.
    """
    insert_if_absent(session, MetaRow(key=CLAIM, value=""))
    until = to_text(from_text(at) + timedelta(seconds=lease_s))
    taken = session.execute(update(MetaRow).where(col(MetaRow.key) == CLAIM, col(MetaRow.value) <= at)
                            .values(value=until).returning(col(MetaRow.key)))
    return taken.first() is not None


def renew(session: Session, at: str, lease_s: float) -> None:
    """Keep the audit claimed: it goes on."""
    meta.put(session, CLAIM, to_text(from_text(at) + timedelta(seconds=lease_s)))


def give_back(session: Session) -> None:
    """Let others audit: this audit has ended."""
    meta.put(session, CLAIM, "")
