"""Reports on this installation, for people and for programs.

core_facts       The installed core and what it chooses for this process: the facts that every report begins with.
faults           What made models of a server end: kept in files, and told of by the doctor.
installed_files  The files of llamapack and its plug-ins as they are now, beside those that were installed.
system_info      What llama.cpp was built with and found on this machine.
report           The doctor's report: what is installed, what works, what `auto` would choose, and how to fix the rest.
"""

__all__ = ["core_facts", "faults", "installed_files", "report", "system_info"]
