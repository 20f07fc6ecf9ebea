"""What Nox sessions do beyond ten lines; the only room that imports nox.

attested_sample A file with a real attestation, as the input for tests of what verifies them.
backend_ops     Run llama.cpp's test of a plug-in's operations on a device, and write its table.
common          What sessions share: one message for a failure, environments that are filled once, a folder for tests.
cpu_levels      Check one CPU level in the ways that this machine has: run it, emulate it, or inspect its library.
given_files     Models and programs that tests are given, in variables.
measuring       Benchmarks: prepare what each needs, and run it.
plugins         Check a plug-in: inspect its wheel, install it with the core in a clean environment, run it on a device.
other_targets   Check a plug-in for another target than this machine, and run it where an emulator can.
releasing       Build the files of a release: portable wheels, and sdists of all packages.
server_tests    Run llama.cpp's tests of its server against llama-server, the runner and `llamapack serve`, and compare.
"""

__all__ = [
    "attested_sample",
    "backend_ops",
    "common",
    "cpu_levels",
    "given_files",
    "measuring",
    "other_targets",
    "plugins",
    "releasing",
    "server_tests",
]
