from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What is wrong with the way the portal is set up, and how to fix it: a sentence each.

    One that is not ``urgent`` is for information: it may be intended.
    """

    problem: str
    remedy: str
    urgent: bool = True
