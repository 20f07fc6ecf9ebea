"""Check that a plug-in and this llamapack are of one build. Four checks; each one finds what the others may miss.

1. The version of the plug-in is llamapack's, or a post-release of that, such as 0.1.0.post1 for 0.1.0. Its package
   requires that llamapack, but `--no-deps` or a copied folder ignores it.
2. The ABI id in the plug-in's description is that of llamapack's libraries.
3. The library is linked with the ggml-base whose name contains that id.
4. The loaded library returns that id itself (`llamapack_backend_abi_id`).

llama.cpp has a version number for this, but it stays the same when structures change.
"""

from __future__ import annotations

import re

from llamapack._native.library import library_file_name, read_abi
from llamapack.backends.contract import BackendPlugin, reinstall_command
from llamapack.backends.host.binaries import read_library
from llamapack.backends.plugins.entry_points import core_version
from llamapack.backends.verdicts import Fault, Status, Verdict

_GGML_BASE = re.compile(r"(lib)?ggml-base(-(?P<id>[0-9a-f]+))?\.(so|dylib|dll)(\.[0-9.]+)?", re.IGNORECASE)


def check_before_loading(plugin: BackendPlugin, version: str | None = None) -> Verdict | None:
    """Return why the library must not be loaded, as far as can be told without loading it; None if it may be."""
    version = version or core_version()
    return check_version(plugin, version) or check_description(plugin, version) or check_soname(plugin, version)


def check_version(plugin: BackendPlugin, version: str) -> Verdict | None:
    """Check 1: the versions of the packages. A plug-in 0.1.0.post1 is built for llamapack 0.1.0."""
    if re.sub(r"\.post\d+", "", plugin.version) == version:
        return None
    what = f"{plugin.title} does not belong to llamapack {version}"
    return _refuse(plugin, Fault.VERSION, what, f'python -m pip install "{plugin.package}=={version}"')


def check_description(plugin: BackendPlugin, version: str) -> Verdict | None:
    """Check 2: the ABI ids in the JSON files of both packages."""
    ours = read_abi().abi_id
    if plugin.abi_id == ours:
        return None
    what = f"{_built_for(plugin, plugin.abi_id)}, but llamapack {version} has {ours}"
    return _refuse(plugin, Fault.ABI_ID, what, _both_again(plugin, version))


def check_soname(plugin: BackendPlugin, version: str) -> Verdict | None:
    """Check 3: the ggml-base that the library is linked with; not for Apple's format, which is not read here."""
    wanted = library_file_name("ggml-base")
    try:
        library = read_library(plugin.library)
    except (OSError, ValueError) as error:
        what = f"the library of {plugin.title} cannot be read: {error}"
        return _refuse(plugin, Fault.LOADING, what, reinstall_command(plugin.package))
    if library is None or wanted in library.needed:
        return None
    matches = [match for name in library.needed if (match := _GGML_BASE.fullmatch(name))]
    if not matches:
        what = f"the library of {plugin.title} is not linked with {wanted}"
    elif matches[0]["id"]:
        what = f"the library of {_built_for(plugin, matches[0]['id'])}, but llamapack {version} has {read_abi().abi_id}"
    else:
        what = (
            f"the library of {plugin.title} is linked with {matches[0][0]}, which is nobody's in "
            f"particular, and not with {wanted}"
        )
    return _refuse(plugin, Fault.SONAME, what, _both_again(plugin, version))


def check_exported_id(plugin: BackendPlugin, exported: str | None, version: str | None = None) -> Verdict | None:
    """Check 4: the id that the loaded library returned (`exported_abi_id`); None if it has no such function."""
    if exported is None:
        what = f"the library of {plugin.title} has no symbol llamapack_backend_abi_id"
        return _refuse(plugin, Fault.MISSING_SYMBOL, what, reinstall_command(plugin.package))
    ours = read_abi().abi_id
    if exported == ours:
        return None
    version = version or core_version()
    what = f"the loaded library of {_built_for(plugin, exported)}, but llamapack {version} has {ours}"
    return _refuse(plugin, Fault.EXPORTED_ID, what, _both_again(plugin, version))


def _built_for(plugin: BackendPlugin, abi_id: str) -> str:
    return f"{plugin.title} was built for ABI {abi_id}"


def _both_again(plugin: BackendPlugin, version: str) -> str:
    return f'python -m pip install --force-reinstall --no-deps "llamapack=={version}" "{plugin.package}=={version}"'


def _refuse(plugin: BackendPlugin, fault: Fault, what: str, remedy: str) -> Verdict:
    return Verdict.of(plugin, Status.REFUSED, f"{what}; it is not used", fault=fault, remedy=remedy)
