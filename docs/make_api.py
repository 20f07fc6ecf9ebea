"""Make the API reference in the folder FOLDER: python docs/make_api.py FOLDER; the Nox session `docs` runs this.

pdoc makes it: a small generator that reads docstrings and annotations as they are, and needs no configuration. What is
public is said in one place, `llamapack.PUBLIC_MODULES`; a module that is not named there has no page.
"""

import shutil
import sys
import warnings
from importlib import import_module
from pathlib import Path

import llamapack

TEMPLATES = Path(__file__).with_name("templates")
FOR_THIS_PACKAGE = "For this package"


def published() -> list[str]:
    """Return the names of the modules that get a page."""
    return ["llamapack", *(f"llamapack.{name}" for name in llamapack.PUBLIC_MODULES)]


def adopt_members(cls: type, pages: set[str]) -> None:
    """Let `cls` have the public members of its base classes in private modules: those have no page of their own."""
    for base in cls.__mro__[1:]:
        if base.__module__.partition(".")[0] != "llamapack" or base.__module__ in pages:
            continue
        for name, member in vars(base).items():
            text = getattr(member, "__doc__", None) or ""
            if not name.startswith("_") and name not in vars(cls) and not text.startswith(FOR_THIS_PACKAGE):
                setattr(cls, name, member)


def main(folder: Path) -> None:
    """Write the pages; whatever pdoc warns of is an error, and so is a page of a module that is not public."""
    import pdoc

    shutil.rmtree(folder / "llamapack", ignore_errors=True)  # pages of earlier runs
    modules = published()
    for name in llamapack.__all__:  # they are fetched when first used, and pdoc looks before that
        setattr(llamapack, name, getattr(llamapack, name))
    for module in modules:
        for value in vars(import_module(module)).values():
            if isinstance(value, type) and value.__module__.startswith("llamapack"):
                adopt_members(value, set(modules))
    warnings.simplefilter("error")
    # Names that are imported for type checkers only; pdoc shows such annotations as they are written.
    warnings.filterwarnings("ignore", message="Error parsing type annotation|Failed to run TYPE_CHECKING code")
    pdoc.render.configure(docformat="markdown", show_source=False, template_directory=TEMPLATES)
    pdoc.pdoc(*modules, output_directory=folder)
    pages = {".".join(page.relative_to(folder).with_suffix("").parts) for page in folder.rglob("*.html")}
    if pages != {*modules, "index"}:
        raise SystemExit(f"The pages are not those of the public modules: {sorted(pages ^ {*modules, 'index'})}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
