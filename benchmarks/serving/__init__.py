"""Servers, from outside: how fast they answer, and whether they lose or keep anything in a long time.

programs      the servers that are compared, as processes
client        asks them, and reads streams
speed         `nox -s bench -- serve`: `llamapack serve` compared with others
prompt_cache  `nox -s bench -- prompt-cache`: the time to the first token with and without a cache on disk
load          `nox -s soak-server`: many clients, for minutes, many of which go away
"""
