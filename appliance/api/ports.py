"""The ports of the REST interface and the pages: what they need from the rest of the box. `appliance/app.py` hands the
real ones in.
"""

from collections.abc import AsyncGenerator, Callable
from typing import Any, Literal, Protocol

from access.accounts import Accounts
from access.storage import TrailLine
from contract.camera import CameraState, Picture, Still
from contract.delivery import SiteContacts
from contract.events import Event
from contract.incident import Evidence, IncidentDraft, IncidentFilter, Kind, Severity
from contract.match import Match
from contract.observation import Face
from contract.policy import Audience, Organisation, Policy
from contract.ports import ProfileRepository
from contract.profile import Profile
from contract.proof.document import Proof
from contract.views import ErasureView, IncidentView, LogView, NoticeView
from contract.zone import Zone


class Profiles(ProfileRepository, Protocol):
    def find(self, profile_id: str) -> Profile | None: ...
    def erasure(self, profile_id: str) -> ErasureView:
        """Return how far an erasure is. Raises NotFound when none was asked for."""
        ...


class Incidents(Protocol):
    def record(self, draft: IncidentDraft, *, by: str, key: str | None = None) -> tuple[IncidentView, bool]:
        """Write incident, chain entry and outbox row in one transaction. With an idempotency `key` seen before: the
        first result and False; Conflict when the key came with another draft. Raises Rejected for unknown people.
        """
        ...

    def get(self, incident_id: str) -> IncidentView: ...
    def page(self, wanted: IncidentFilter, cursor: str | None, limit: int) -> tuple[list[IncidentView], str | None]:
        """Return incidents, newest first, and the cursor of the next page. Raises Rejected for a cursor that is not
        ours.
        """
        ...

    def act(self, incident_id: str, verb: str, *, by: str, note: str = "", assignee: str | None = None) -> IncidentView:
        """Add an action. Raises NotFound; Conflict when the incident is resolved and the verb is not `note`."""
        ...


class Logs(Protocol):
    def record(self, *, at: str, location: str, kind: Kind, severity: Severity, description: str, by: str,
               key: str | None = None) -> tuple[LogView, bool]: ...

    def get(self, log_id: str) -> LogView: ...


class Notices(Protocol):
    def create(self, *, users: tuple[str, ...], audience: tuple[Audience, ...], description: str, location: str,
               by: str, key: str | None = None) -> tuple[NoticeView, bool]:
        """Write a notice and plan its tellings. Raises Rejected when a user does not exist, or nobody could be told
        (and says who lacks what).
        """
        ...

    def get(self, subject_id: str) -> NoticeView:
        """Return what became of a telling, by notice id or incident id. Raises NotFound."""
        ...


class Zones(Protocol):
    def get(self, camera: str) -> tuple[tuple[Zone, ...], int]:
        """Return zones and their revision."""
        ...

    def put(self, camera: str, zones: tuple[Zone, ...], revision: int | None) -> int:
        """Replace a camera's zones; return the new revision. Raises Conflict on a stale revision."""
        ...


class Files(Protocol):
    def put(self, data: bytes, media_type: str) -> Evidence:
        """Write and fsync the bytes under their hash before it returns. Raises Unavailable when the disk is full."""
        ...

    def get(self, sha256: str) -> tuple[bytes, str]: ...


class Trail(Protocol):
    def page(self, before: int | None, limit: int) -> list[TrailLine]:
        """Return lines, newest first; `before` is the number of the last line of the page before."""
        ...


class Store(Protocol):
    @property
    def profiles(self) -> Profiles: ...
    @property
    def incidents(self) -> Incidents: ...
    @property
    def logs(self) -> Logs: ...
    @property
    def notices(self) -> Notices: ...
    @property
    def accounts(self) -> Accounts: ...
    @property
    def trail(self) -> Trail: ...
    @property
    def zones(self) -> Zones: ...
    @property
    def files(self) -> Files: ...

    def proof(self, record_id: str, organisation: Organisation | None) -> Proof:
        """Return the proof for a reader of this police organisation, None: of the site. Raises NotFound; Unavailable
        while the record is not anchored where this reader may look.
        """
        ...

    def policy(self) -> Policy: ...

    def site(self) -> SiteContacts: ...
    def counts(self) -> dict[str, int]:
        """Return profiles, templates, incidents, outbox_waiting, outbox_parked, cursor, disk_free_bytes: for /metrics.
        """
        ...

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call `listener` after each commit, from any thread; the result ends it."""
        ...


class Vision(Protocol):
    """The vision workers, as the API sees them. Every method raises Unavailable with the reason while one is down."""

    async def still(self, image: bytes, purpose: Literal["recognise", "enrol"]) -> Still:
        """Return the faces of an image. Raises Rejected naming what is wrong with the image."""
        ...

    async def picture(self, camera: str) -> Picture:
        """Return the newest frame. Raises NotFound for an unknown camera."""
        ...

    def preview(self, camera: str, fps: float) -> AsyncGenerator[Picture, None]:
        """Yield frames as they come, at most `fps` a second, until it is closed."""
        ...

    def problem(self) -> str:
        """Return why recognition does not work just now; empty when it does."""
        ...


class Cameras(Protocol):
    """The cameras of the box and what the rules see on them. They are listed also while vision is down."""

    def states(self) -> list[CameraState]: ...
    def overlay(self, camera: str) -> dict[str, Any]:
        """Return the newest observation: {at, width, height, tracks: [{id, box, name|null, status}]}. Raises NotFound.
        """
        ...


class Matcher(Protocol):
    def identify(self, face: Face) -> Match: ...


class Links(Protocol):
    """The cloud connection as a person sees it."""

    def state(self) -> dict[str, Any]:
        """Return {connected: bool, reason: str, since: Instant, waiting: int}."""
        ...

