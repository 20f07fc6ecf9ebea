"""Write all generated files: the entry point of the bindings generator."""

from __future__ import annotations

from pathlib import Path

from tools.bindgen.abi_writer import write_abi
from tools.bindgen.digest import headers_digest, recorded_as
from tools.bindgen.exports import check_exported, find_exports
from tools.bindgen.headers import OWN_HEADER, bound_headers
from tools.bindgen.python_writer import write_python
from tools.bindgen.select import select
from tools.bindgen.sources import find_libraries
from tools.bindgen.stub_writer import write_stub
from tools.paths import BINDINGS, CORE, SYNCED, export_list

_HEADLINE = "Generated from llama.cpp's headers by tools/bindgen: run `nox -t gen`, do not edit."
_ABI = CORE / "native" / "src" / "generated" / "abi_table.cpp"


def generate(source: Path = SYNCED) -> dict[Path, str]:
    """Return the text of every file derived from the headers of the llama.cpp tree at `source`, by its path.

    Raises ToolError, with file, line and source text, for a construct that the generator does not support.
    """
    from tools.bindgen.parse import parse  # needs libclang, which the rest of this package does not

    headers = bound_headers(source)
    everything = parse([header.path for header in headers])
    ours = {name: "llamapack" for name, function in everything.functions.items() if function.header == OWN_HEADER.name}
    libraries = {**find_libraries(source), **ours}
    bindings = select(everything, headers, libraries)
    exports = find_exports(source, libraries)
    check_exported(bindings.libraries, exports)
    return {
        BINDINGS: write_python(bindings, f"# {_HEADLINE}\n{recorded_as(headers_digest(source))}"),
        BINDINGS.with_suffix(".pyi"): write_stub(bindings, f"# {_HEADLINE}"),
        _ABI: write_abi(bindings, f"// {_HEADLINE}"),
        **{
            export_list(library): f"# {_HEADLINE}\n" + "".join(f"{name}\n" for name in names)
            for library, names in exports.items()
        },
    }
