"""What this installation is and does, for people and for reports.

system_info  What llama.cpp was built with and found on this machine.
core_facts   What this installation is and what it does with the processor: the facts that every report begins with.
report       The doctor's report: what was found, what works, what `auto` would choose, and what would mend the rest.
"""

__all__ = ["core_facts", "report", "system_info"]
