"""Run child processes, and end them with everything that they started.

launch                Start child processes of Python, or say why that cannot be done here.
subprocesses          Run programs side by side, and end them whatever they do.
subprocesses_windows  The same on Windows.
processes             What both share: a command, how a process ended, and the limits that hold for it.
exit_status           Describe in words how a process ended.
"""

__all__ = ["exit_status", "launch", "processes", "subprocesses", "subprocesses_windows"]
