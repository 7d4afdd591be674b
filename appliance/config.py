"""The box's one TOML file."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from appliance.pipeline.rules.table import Rules
from contract.config import Section
from contract.ids import Name
from contract.incident import Place
from contract.zone import Zone


class HttpSettings(Section):
    """The address of the pages and the REST interface. The certificate files turn on HTTPS."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    certificate: Path | None = None
    key: Path | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key are given together or not at all")
        return self


class CameraSettings(Section):
    """One camera. `uri`: rtsp://..., a video file, or /dev/videoN. `fps`: how many pictures a second are looked at.

    `rules`: what differs on this camera from the site's rules.
    """

    id: Name
    uri: str = Field(min_length=1, max_length=500)
    name: str = Field(default="", max_length=100)
    location: Place
    fps: float = Field(default=10.0, ge=1, le=30)
    loop: bool = False
    zones: tuple[Zone, ...] = ()
    rules: Rules = Rules()


class VisionSettings(Section):
    """The settings of recognition. `python`: the interpreter of the workers (on a Jetson JetPack's own); empty: this
    one.
    """

    models: Path = Path("var/models/open-1")
    workers: int = Field(default=1, ge=1, le=8)
    python: str = ""


class MatchingSettings(Section):
    """Distances; absent ones come from the model pack."""

    known: float | None = Field(default=None, gt=0)
    review: float | None = Field(default=None, gt=0)


class CloudSettings(Section):
    """The cloud this box belongs to. `ca`: the certificate authority of its HTTPS page, absent when it is public."""

    url: str = Field(pattern=r"^https?://")
    ca: Path | None = None


class BoxConfig(Section):
    """Everything the box process reads. Relative paths are below the current directory."""

    box: Name
    home: Path
    http: HttpSettings = HttpSettings()
    vision: VisionSettings = VisionSettings()
    matching: MatchingSettings = MatchingSettings()
    cloud: CloudSettings | None = None
    rules: Rules = Rules()
    cameras: tuple[CameraSettings, ...] = ()

    @model_validator(mode="after")
    def _camera_ids_differ(self) -> Self:
        ids = [camera.id for camera in self.cameras]
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise ValueError(f"camera ids must differ; given more than once: {', '.join(twice)}")
        return self

    def rules_of(self, camera: CameraSettings) -> Rules:
        """Return the settings of the rules on this camera: the site's, and its own where it has any."""
        return self.rules.with_own(camera.rules)
