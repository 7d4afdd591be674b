"""The contacts of the campus itself: security and police contacts."""


from pydantic import BaseModel, ConfigDict, Field

from cloud.admin.rules import RULES
from cloud.admin.services import Cloud
from cloud.database import site
from contract.canonical import content_hash
from contract.delivery import SiteContacts
from contract.errors import Conflict
from contract.profile import Contact
from web.guard import Who, new_router

router = new_router(RULES, "site")


class Contacts(BaseModel):
    """`revision` names this very state; send it back with a change."""

    security: tuple[Contact, ...]
    police: tuple[Contact, ...]
    revision: str


class ContactsChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    security: tuple[Contact, ...] = Field(max_length=20)
    police: tuple[Contact, ...] = Field(max_length=20)
    revision: str = Field(max_length=64)


@router.get("/site/contacts")
def read(cloud: Cloud) -> Contacts:
    """Return who is told as security and as police."""
    with cloud.database.read() as session:
        return view_of(site.get(session))


@router.put("/site/contacts")
def write(body: ContactsChange, cloud: Cloud, who: Who) -> Contacts:
    """Replace both lists, here and on every box. 409 when somebody else changed them since `revision`."""
    with cloud.database.write() as session:
        stored = site.get(session)
        # The contacts of other police organisations stand in the configuration alone.
        wanted = stored.model_copy(update={"security": body.security, "police": body.police})
        known = view_of(stored)
        if known.revision != body.revision:
            raise Conflict("the contacts were changed since you read them", hint="read them again, then change them")
        site.put(session, wanted, who.name)
    return view_of(wanted)


def view_of(contacts: SiteContacts) -> Contacts:
    """Return the contacts with their revision."""
    return Contacts(security=contacts.security, police=contacts.police,
                    revision=content_hash(contacts.model_dump(mode="json"))[:16])
