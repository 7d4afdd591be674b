"""Profiles: who is enrolled, how to recognise them, whom they call friends and how people are reached."""

import re
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, StringConstraints, field_validator, model_validator

from contract.ids import Hash, Id
from contract.model import Model
from contract.moments import Instant
from contract.observation import vector_from_text

PersonName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200,
                                              pattern=r"^[^\x00-\x1f\x7f]+$")]
PersonRole = Literal["student", "staff", "visitor"]
Channel = Literal["sms", "push", "email"]


class ChannelKind(NamedTuple):
    """A kind of channel: its name on pages, the pattern of its addresses, that in words, and an example."""

    label: str
    pattern: re.Pattern[str]
    wanted: str
    example: str


CHANNELS: dict[Channel, ChannelKind] = {
    "sms": ChannelKind("SMS", re.compile(r"^\+[1-9][0-9]{6,14}$"),
                       "a telephone number in E.164 form, as +4915112345678", "+4915112345678"),
    "push": ChannelKind("Push", re.compile(r"^[A-Za-z0-9_:.-]{8,300}$"),
                        "a device token of 8 to 300 letters, digits, _ : . -", "device:token-1234"),
    "email": ChannelKind("E-mail", re.compile(r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251})$"),
                         "an e-mail address, as name@example.org", "name@example.org"),
}


class Contact(Model):
    """One way to reach a person."""

    channel: Channel
    address: str

    @model_validator(mode="after")
    def _address_fits(self) -> "Contact":
        kind = CHANNELS[self.channel]
        if not kind.pattern.fullmatch(self.address):
            raise ValueError(f"address for {self.channel} must be {kind.wanted}")
        return self


class Consent(Model):
    """The consent to keep templates of a person: who agreed to which text, on what basis."""

    given_by: PersonName
    basis: Literal["consent", "guardian-consent", "contract"] = "consent"
    text_sha256: Hash
    at: Instant
    guardian: PersonName | None = None

    @model_validator(mode="after")
    def _guardian_is_named(self) -> "Consent":
        if self.basis == "guardian-consent" and self.guardian is None:
            raise ValueError("guardian-consent needs the guardian's name in `guardian`")
        return self


class Template(Model):
    """One embedding of a person's face, never compared with one of another pack. `quality` is 0..1."""

    id: Id
    pack: str = Field(min_length=1, max_length=64)
    vector: str = Field(max_length=8192)
    quality: float = Field(ge=0, le=1)
    made_at: Instant

    @field_validator("vector")
    @classmethod
    def _vector_is_one(cls, text: str) -> str:
        vector_from_text(text)
        return text


class Profile(Model):
    """An enrolled person. `revision` counts accepted changes; the cloud's number is the one that counts."""

    id: Id
    name: PersonName
    role: PersonRole = "student"
    friends: tuple[Id, ...] = Field(default=(), max_length=200)
    contacts: tuple[Contact, ...] = Field(default=(), max_length=20)
    consent: Consent | None = None
    templates: tuple[Template, ...] = Field(default=(), max_length=50)
    revision: int = Field(default=1, ge=1)

    @field_validator("friends")
    @classmethod
    def _friends_are_a_set(cls, friends: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted(set(friends)))

    @model_validator(mode="after")
    def _allowed(self) -> "Profile":
        if self.templates and self.consent is None:
            raise ValueError("templates need a consent record")
        if self.id in self.friends:
            raise ValueError("nobody is their own friend: remove the person's own id from friends")
        return self


class ProfileChange(Model):
    """A change to a profile: fields given are set, friends and templates are added and removed as sets.

    Made of deltas so that two changes made apart both take effect.
    """

    name: PersonName | None = None
    role: PersonRole | None = None
    contacts: tuple[Contact, ...] | None = Field(default=None, max_length=20)
    consent: Consent | None = None
    add_friends: tuple[Id, ...] = Field(default=(), max_length=200)
    remove_friends: tuple[Id, ...] = Field(default=(), max_length=200)
    add_templates: tuple[Template, ...] = Field(default=(), max_length=20)
    remove_templates: tuple[Id, ...] = Field(default=(), max_length=50)


def apply_change(profile: Profile, change: ProfileChange) -> Profile:
    """Return the profile after the change, one revision later. ValueError (pydantic) when the result is not allowed."""
    kept = {t.id: t for t in profile.templates if t.id not in change.remove_templates}
    kept.update({t.id: t for t in change.add_templates})
    friends = (set(profile.friends) | set(change.add_friends)) - set(change.remove_friends)
    return Profile(
        id=profile.id,
        name=change.name if change.name is not None else profile.name,
        role=change.role if change.role is not None else profile.role,
        contacts=change.contacts if change.contacts is not None else profile.contacts,
        consent=change.consent if change.consent is not None else profile.consent,
        friends=tuple(friends),
        templates=tuple(kept.values()),
        revision=profile.revision + 1,
    )
