"""Everything the REST interface is given. `appliance/app.py` fills it; nothing here is reached any other way."""

from typing import NamedTuple

from appliance.api.ports import Cameras, Links, Matcher, Store, Vision
from contract.embedding import SpaceOf
from web.enrolment import PhotoLimits


class Services(NamedTuple):
    """The box's parts and the few settings of the interface. `box` is the box's name.

    `space_of`: how embeddings of a pack are compared. `live_viewers`: MJPEG streams at a time. `live_fps`: frames per
    second of each, at most.
    """

    store: Store
    vision: Vision
    cameras: Cameras
    matcher: Matcher
    link: Links
    box: str
    version: str
    space_of: SpaceOf
    photo_limits: PhotoLimits = PhotoLimits()
    live_viewers: int = 8
    live_fps: float = 8.0
