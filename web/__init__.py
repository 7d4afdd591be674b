"""The shared parts of the web interfaces of box, cloud and police: errors, bodies, lists, guarding, enrolment. Knows
neither tier.
"""
