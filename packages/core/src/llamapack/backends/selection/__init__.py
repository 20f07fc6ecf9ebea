"""Choose which backends to load, with a reason for each.

request     What the caller asks for: backends by name, devices by name, and whether there must be a GPU.
candidates  One device through one backend: whether it could be used there, and why not.
select      Choose backends and devices: a pure function of what is asked for, the verdicts, and facts of the host.
decisions   What was chosen: the record of every backend and device that was looked at, with its reason.
diagnosis   Why a backend finds no device here, and what mends it: told from facts of the host, one rule after the other
"""

__all__ = ["candidates", "decisions", "diagnosis", "request", "select"]
