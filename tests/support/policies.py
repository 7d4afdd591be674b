"""Policies of sites that want it otherwise than the default."""

from contract.policy import PoliceRule, Policy, WordFor

CRITICAL = Policy(police=(PoliceRule(from_severity="critical"),))


def waiting_for(word_for: WordFor) -> Policy:
    """The default, but for what waits for a person's word."""
    return Policy(police=(PoliceRule(word_for=word_for),))
