"""Taking a box into the fleet by a single-use code that an operator made for it."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from cloud.ca import Authority
from cloud.database import boxes, trail
from cloud.database.engine import Database
from cloud.database.tables.site import BoxRow, ClaimCodeRow
from contract.claim import BrokerAddress, ClaimAnswer, ClaimRequest
from contract.errors import Conflict, Rejected
from contract.moments import now, to_text

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
GROUPS, GROUP = 3, 4
"""Three groups of four of 30 letters: 58 bits, which nobody guesses before the code runs out."""
VALID = timedelta(hours=24)


def create_code(session: Session, by: str, valid: timedelta = VALID) -> str:
    """Make a new code, as ABCD-EFGH-JKMN. Only its hash is kept. Whoever makes one approves the box that will use it.
    """
    letters = "".join(secrets.choice(ALPHABET) for _ in range(GROUPS * GROUP))
    code = "-".join(letters[start : start + GROUP] for start in range(0, len(letters), GROUP))
    hashed = _hash(code)
    session.add(
        ClaimCodeRow(
            hash=hashed, created_by=by, created_at=now(), expires_at=to_text(datetime.now(UTC) + valid)
        )
    )
    session.flush()
    trail.record(session, by, "box.code-made", hashed[:12])
    return code


def claim(
    database: Database, authority: Authority, request: ClaimRequest, broker: BrokerAddress, site: str
) -> ClaimAnswer:
    """Sign the box's certificate and let it speak. Asked again with the same code, box and key while the code lasts,
    it gives the same answer: the first one may have been lost.

    Raises Rejected for a code that is unknown, expired or used by another, and for a request that does not fit;
    Conflict when another box has this id.
    """
    with database.write() as session:
        row = session.get(ClaimCodeRow, _hash(request.code), with_for_update=True)
        if row is None:
            raise Rejected(
                "this claim code is not known", hint="check its letters, or make a new one under Boxes"
            )
        if row.expires_at <= now():
            raise Rejected("this claim code has expired", hint="make a new one under Boxes")
        if row.used_at is None:
            row.certificate = _admit(session, authority, request, row.created_by)
            row.used_at, row.box, row.public_key = now(), request.box, request.public_key
            session.add(row)
            session.flush()
            trail.record(session, row.created_by, "box.claimed", request.box, key=request.public_key)
        elif (row.box, row.public_key) != (request.box, request.public_key):
            raise Rejected(
                "this claim code was used already", hint="make a new one under Boxes; a code is for one box"
            )
        certificate = row.certificate
    assert certificate is not None
    return ClaimAnswer(
        certificate=certificate, ca=authority.certificate, broker=broker, box=request.box, site=site
    )


def _admit(session: Session, authority: Authority, request: ClaimRequest, by: str) -> str:
    issued = authority.sign_request(request.csr, request.box)
    known = session.get(BoxRow, request.box, with_for_update=True)
    if known is None:
        boxes.register(
            session,
            BoxRow(
                id=request.box,
                name=request.box,
                public_key=request.public_key,
                state="active",
                claimed_at=now(),
                certificate_serial=issued.serial,
                certificate_expires=issued.expires,
            ),
            by,
        )
        return issued.certificate
    if known.state == "revoked" or known.public_key != request.public_key:
        why = "was revoked" if known.state == "revoked" else "has another key"
        raise Conflict(f"there is a box {request.box} already, and it {why}", hint="give this box another id")
    known.state, known.claimed_at = "active", now()
    known.certificate_serial, known.certificate_expires = issued.serial, issued.expires
    session.add(known)
    session.flush()
    return issued.certificate


def _hash(code: str) -> str:
    letters = "".join(letter for letter in code.upper() if letter.isalnum())
    return hashlib.sha256(f"sentrybox/claim/v1\0{letters}".encode()).hexdigest()
