"""The policy: who is told of what, and what goes where. Pure: the only place that decides it; box, cloud and pages all
ask here.
"""

from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, StringConstraints, model_validator

from contract.chain import RecordType
from contract.errors import Rejected
from contract.ids import Name
from contract.incident import SEVERITIES, Action, Incident, LogRecord, Severity
from contract.ledger import GENERAL, LedgerChannel
from contract.model import Model

Organisation = Name
"""A police organisation. Its ledger channel, its contacts and what is released to it all go by this one name."""
POLICE: Organisation = "police"
"""The police organisation of a site that names no other."""
Audience = Name
"""One of OWN, or an organisation."""
OWN: tuple[Audience, ...] = ("users", "friends", "security")
"""Whom a site tells of its own: the people something is about, their friends, campus security."""
NOT_ORGANISATIONS = frozenset({*OWN, GENERAL, "nobody"})

TELLS_FROM: Severity = "high"
"""From here on an incident tells the victims' friends and security."""
ACTION_SEVERITY: Severity = "low"
"""The class of what people do about an incident: the police are told of the incident itself."""

WordFor = Literal["nothing", "details", "everything"]
Urgency = Literal["first", "soon", "in turn"]


class PoliceRule(Model):
    """The rule of one police organisation: when records concern it, and what of it waits for the word of a person of
    the campus.

    `word_for`: nothing waits; only the details (who was in it, and what happened) wait; or everything waits: until
    then the record is not on the organisation's channel and nobody there is told. `accounts`: names of the accounts and
    tokens of role police that read for this organisation; needed only where there is more than one.
    """

    organisation: Organisation = POLICE
    from_severity: Literal["high", "critical"] = "high"
    word_for: WordFor = "details"
    accounts: tuple[Annotated[str, StringConstraints(min_length=1, max_length=100)], ...] = Field(
        default=(), max_length=100)

    @model_validator(mode="after")
    def _is_an_organisation(self) -> Self:
        if self.organisation in NOT_ORGANISATIONS:
            raise ValueError(f"no police organisation can be called {self.organisation}: the name means something else")
        return self

    def concerns(self, severity: Severity) -> bool:
        """Return whether a record of this severity is the organisation's business."""
        return _at_least(severity, self.from_severity)


class Step(Model):
    """One telling: whom, how many minutes after the record came in."""

    after_minutes: int = Field(ge=0, le=24 * 60)
    audience: tuple[Audience, ...]


class Policy(Model):
    """The decisions of one site. `again`: who is told again, and when, of an incident that told people."""

    police: tuple[PoliceRule, ...] = Field(default=(PoliceRule(),), max_length=20)
    again: tuple[Step, ...] = Field(default=(), max_length=10)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        accounts = [name for rule in self.police for name in rule.accounts]
        for what, names in (("organisation", self.organisations), ("account", tuple(accounts))):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what} {', '.join(twice)} is named twice")
        times = [0, *(step.after_minutes for step in self.again)]
        if times != sorted(set(times)):
            raise ValueError("each later step comes after the one before it")
        return self

    @property
    def organisations(self) -> tuple[Organisation, ...]:
        """Return the police organisations, in the order in which the site names them."""
        return tuple(rule.organisation for rule in self.police)

    @property
    def channels(self) -> tuple[LedgerChannel, ...]:
        """Return every ledger channel that this site may write on."""
        return (GENERAL, *self.organisations)

    def check_audience(self, audience: tuple[Audience, ...]) -> None:
        """Raise Rejected for an audience that is not there to be told."""
        there = (*OWN, *self.organisations)
        absent = [name for name in audience if name not in there]
        if absent:
            raise Rejected(f"audience: {', '.join(absent)} cannot be told; there are {', '.join(there)}")

    def reads_for(self, account: str) -> Organisation | None:
        """Return the organisation that an account of role police reads for; None when that cannot be told."""
        for rule in self.police:
            if account in rule.accounts:
                return rule.organisation
        only = self.police[0] if len(self.police) == 1 else None
        return only.organisation if only is not None and not only.accounts else None


class Decision(NamedTuple):
    """The consequences of a record as it comes in.

    `channels`: of the ledger, where `at_once` means in a transaction of its own. `steps`: who is told, the first of
    them now. `released`: the organisations that may read its details without anybody's word. `awaited`: those that know
    nothing of it before a person's word.
    """

    channels: tuple[LedgerChannel, ...]
    at_once: bool
    steps: tuple[Step, ...]
    released: tuple[Organisation, ...]
    awaited: tuple[Organisation, ...]

    @property
    def audience(self) -> tuple[Audience, ...]:
        """Return who is told now."""
        return self.steps[0].audience

    @property
    def concerned(self) -> tuple[Organisation, ...]:
        """Return the police organisations whose business it is, whether they know of it yet or not."""
        return (*(name for name in self.channels if name != GENERAL), *self.awaited)


def decide(record_type: RecordType, severity: Severity, policy: Policy) -> Decision:
    """Return the policy's word on a record of this type and severity."""
    rules = () if record_type == "action" else tuple(rule for rule in policy.police if rule.concerns(severity))
    told = tuple(rule.organisation for rule in rules if rule.word_for != "everything")
    own: tuple[Audience, ...] = ()
    if record_type == "incident" and _at_least(severity, TELLS_FROM):
        own = ("friends", "security")
    first = Step(after_minutes=0, audience=(*own, *told))
    return Decision(
        channels=(GENERAL, *told),
        at_once=bool(rules),
        steps=(first, *(_later(policy.again, told) if own else ())),
        released=tuple(rule.organisation for rule in rules if rule.word_for == "nothing"),
        awaited=tuple(rule.organisation for rule in rules if rule.word_for == "everything"),
    )


def decide_on(record: Incident | LogRecord | Action, policy: Policy) -> Decision:
    """`decide` for a record at hand."""
    return decide(type_of(record), severity_of(record), policy)


def type_of(record: Incident | LogRecord | Action) -> RecordType:
    """Return what a box's chain calls this record."""
    if isinstance(record, Incident):
        return "incident"
    return "action" if isinstance(record, Action) else "log"


def severity_of(record: Incident | LogRecord | Action) -> Severity:
    """Return the class under which the record goes onto a ledger."""
    return ACTION_SEVERITY if isinstance(record, Action) else record.severity


def telling_severities() -> tuple[Severity, ...]:
    """Return the severities whose incidents tell people of the site, whatever the site's policy is."""
    return tuple(severity for severity in SEVERITIES if _at_least(severity, TELLS_FROM))


def urgency(severity: Severity) -> Urgency:
    """Return how soon a box sends an incident to the cloud, before others that wait."""
    if _at_least(severity, "critical"):
        return "first"
    return "soon" if _at_least(severity, TELLS_FROM) else "in turn"


def channels_shown_to(organisation: Organisation | None) -> tuple[LedgerChannel, ...]:
    """Return the ledger channels of which a reader of this organisation sees anything; None: a reader of the site
    itself.
    """
    return (GENERAL,) if organisation is None else (GENERAL, organisation)


def is_police(audience: Audience) -> bool:
    """Return whether an audience is a police organisation, and so reads details only once they are released."""
    return audience not in OWN


def _later(steps: tuple[Step, ...], told: tuple[Organisation, ...]) -> list[Step]:
    """Return the later steps without the organisations that know nothing of the record."""
    kept = [Step(after_minutes=step.after_minutes, audience=tuple(a for a in step.audience if a in (*OWN, *told)))
            for step in steps]
    return [step for step in kept if step.audience]


def _at_least(severity: Severity, bar: Severity) -> bool:
    return SEVERITIES.index(severity) >= SEVERITIES.index(bar)
