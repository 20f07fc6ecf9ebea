"""Build the wheels, and the programs they are compared with.

build              One build of a wheel: what it is made from, the environment that it runs in, and the build itself.
wheels             Build a wheel, core or plug-in, for this host or another target, or return the one built from the sam
upstream_programs  Build llama.cpp's own programs from the same tree and with the same libraries: what tests compare wit
other_abi          Build the core wheel for another ABI: what a user has who upgrades it and leaves a plug-in as it is.
reproducible       Build the core wheel a second time in a folder of another name, and compare the two byte by byte.
compiler_variants  Build CPU levels with several compilers and options side by side: what `nox -s bench-compilers` measu
cibuildwheel       Build the core wheel with cibuildwheel, on Linux in a container.
"""

__all__ = ["build", "cibuildwheel", "compiler_variants", "other_abi", "reproducible", "upstream_programs", "wheels"]
