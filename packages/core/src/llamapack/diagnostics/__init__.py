"""What this installation is and does, for people and for reports.

core_facts   The installed core and what it chooses for this process: the facts that every report begins with.
system_info  What llama.cpp was built with and found on this machine.
report       The doctor's report: what was found, what works, what `auto` would choose, and how to repair the rest.
"""

__all__ = ["core_facts", "report", "system_info"]
