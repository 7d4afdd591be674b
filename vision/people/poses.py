"""Pose networks by the manifest's kinds: names and shapes (without the batch) of what they give.

Of every kind "presence", (1,), is the probability that the picture shows a person.
"""

OUTPUTS = {"blazepose": {"landmarks": (195,), "presence": (1,)}}
