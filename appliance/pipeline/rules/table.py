"""The table of all rules. To add one: write its file beside this one and give it a line here."""

from typing import Self

from appliance.pipeline.rules.intrusion import IntrusionSettings
from appliance.pipeline.rules.rule import Rule
from contract.camera import RuleState
from contract.config import Section


class Rules(Section):
    """The settings of every rule, by the kind of incident that it finds."""

    intrusion: IntrusionSettings = IntrusionSettings()

    def with_own(self, own: Self) -> Self:
        """These settings, each replaced by a camera's own where its section of the file names it."""
        given = own.model_dump(exclude_unset=True)
        return self.model_validate({kind: {**settings, **given.get(kind, {})}
                                    for kind, settings in self.model_dump().items()})

    def running(self) -> list[Rule]:
        """New rules for one camera, of those that are on."""
        return [settings.rule() for _kind, settings in self if settings.on]

    def states(self) -> tuple[RuleState, ...]:
        """Return every rule as people are shown it, also those that are off."""
        return tuple(RuleState(kind=kind, on=settings.on, effect=settings.effect(),
                               settings=settings.model_dump(mode="json", exclude={"on"})) for kind, settings in self)
