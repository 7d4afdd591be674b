"""The consent record of an enrolment, and the text it refers to."""

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from contract.ids import Hash
from contract.moments import Instant, now
from contract.profile import Consent, PersonName

TEXT = (Path(__file__).parent / "consent.txt").read_text(encoding="utf-8")
"""What the enrolment page shows."""
TEXT_SHA256 = hashlib.sha256(TEXT.encode()).hexdigest()


class ConsentIn(BaseModel):
    """`text_sha256` is that of the site's own text and `at` is now unless they are given."""

    model_config = ConfigDict(extra="forbid")

    given_by: PersonName
    basis: Literal["consent", "guardian-consent", "contract"]
    guardian: PersonName | None = None
    text_sha256: Hash = TEXT_SHA256
    at: Instant | None = None

    @model_validator(mode="after")
    def _guardian_is_named(self) -> "ConsentIn":
        self.record()
        return self

    def record(self) -> Consent:
        """Return the record to store."""
        return Consent(given_by=self.given_by, basis=self.basis, guardian=self.guardian,
                       text_sha256=self.text_sha256, at=self.at or now())
