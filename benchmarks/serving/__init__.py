"""Servers, from outside: how fast they answer, and whether they lose or keep anything in a long time.

programs  the servers that are compared, as processes
client    asks them, and reads streams
speed     `nox -s bench -- serve`: `llamapack serve` compared with others
load      `nox -s load`: many clients, for minutes, many of which go away
"""
