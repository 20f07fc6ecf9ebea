"""Start a program with the worst environment that it can inherit: tests and sessions must not depend on it.

worst  The variables, ignored and blocked signals, umask and limits.
runs   Run a program, or tests, in that environment.
"""

__all__ = ["runs", "worst"]
