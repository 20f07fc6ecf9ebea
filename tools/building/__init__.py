"""Build the wheels, and the programs they are compared with.

build              One build of a wheel: its inputs, its environment, and the build itself.
wheels             Build a wheel for this host or another target, or reuse the one built from the same inputs.
page               Build llama.cpp's web page with npm, for the core wheel.
notices            The notices of the web page: every package of which a part is in it, with its licence.
upstream_programs  Build llama.cpp's own programs with the same libraries, for tests that compare with them.
other_abi          Build the core wheel with another ABI, to test a plug-in that was not upgraded with it.
reproducible       Build the core wheel a second time in another folder, and compare the two byte by byte.
compiler_variants  Build CPU levels with several compilers and options, for `nox -s bench-compilers`.
native_server      Build llama.cpp's own server for this processor, without our patches, to compare speed with it.
peers              Install the peers that speed is compared with: other Python packages that run llama.cpp.
cibuildwheel       Build the core wheel with cibuildwheel; for Linux, it does so in a container.
"""

__all__ = [
    "build",
    "cibuildwheel",
    "compiler_variants",
    "native_server",
    "notices",
    "other_abi",
    "page",
    "peers",
    "reproducible",
    "upstream_programs",
    "wheels",
]
