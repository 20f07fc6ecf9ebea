"""Start a program with the worst that it can inherit, to show that tests and sessions do not depend on it.

worst  The variables, ignored and blocked signals, umask and limits.
runs   Run a program, or tests, under all of that.
"""

__all__ = ["runs", "worst"]
