"""Choose which backends to load, with a reason for each.

request     What the caller asks for: backends and devices by name, and whether a GPU is required.
candidates  One device of one backend: whether it can be used, and why not.
select      Choose backends and devices: a pure function of the request, the verdicts and facts of the machine.
decisions   What was chosen: a record for every backend and device that was considered, with the reason.
diagnosis   Explain from facts of the machine why a backend finds no device, and how to fix it.
"""

__all__ = ["candidates", "decisions", "diagnosis", "request", "select"]
