"""Make the API reference in the folder FOLDER: python docs/make_api.py FOLDER; the Nox session `docs` runs this.

pdoc makes it: a small generator that reads docstrings and annotations as they are, and needs no configuration.
"""

import pkgutil
import sys
import warnings
from pathlib import Path

import llamapack
import pdoc

PRIVATE = ("_native", "cli", "__main__")


def main(folder: Path) -> None:
    """Write the pages; whatever pdoc warns of is an error."""
    for name in llamapack.__all__:  # they are fetched when first used, and pdoc looks before that
        setattr(llamapack, name, getattr(llamapack, name))
    warnings.simplefilter("error")
    # Names that are imported for type checkers only; pdoc shows such annotations as they are written.
    warnings.filterwarnings("ignore", message="Error parsing type annotation|Failed to run TYPE_CHECKING code")
    pdoc.render.configure(docformat="markdown", show_source=False)
    names = [module.name for module in pkgutil.iter_modules(llamapack.__path__) if module.name not in PRIVATE]
    pdoc.pdoc("llamapack", *(f"llamapack.{name}" for name in names), output_directory=folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
