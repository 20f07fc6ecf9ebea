"""Gates that look at what the package index has already: earlier uploads of this release, their age, the quota."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone

from packaging.version import InvalidVersion, Version
from pypi_simple import PYPI_SIMPLE_ENDPOINT, DistributionPackage, NoSuchProjectError, PyPISimple
from requests import RequestException

from tools.errors import ToolError
from tools.release.distribution import Distribution
from tools.release.gates.faults import Fault
from tools.release.versions import CORE_NAME

QUOTA = 10 * 10**9
"""What package indexes give a project for all its files, in bytes."""
SPARE_RELEASES = 3
"""How many more releases of this size must fit, so that a fix need not wait for a larger quota."""
OPEN = timedelta(days=14)
"""For how long files can be added to a release: indexes refuse them later, against stolen accounts."""

Listing = Sequence[DistributionPackage]


def read_listings(projects: Sequence[str], index: str = "") -> dict[str, Listing]:
    """Return the files that an index has of each project, none of one that it does not know.

    `index` is the address of its simple API; the one of PyPI if it is empty. Raises ToolError if it does not answer.
    """
    address = index or PYPI_SIMPLE_ENDPOINT
    listings: dict[str, Listing] = {}
    with PyPISimple(address) as client:
        for project in projects:
            try:
                listings[project] = client.get_project_page(project, timeout=30).packages
            except NoSuchProjectError:
                listings[project] = ()
            except RequestException as error:
                fix = "Check the network and the address; nothing was uploaded."
                raise ToolError(f"The index {address} does not answer.", why=str(error), fix=fix) from error
    return listings


def check_index(
    files: Sequence[Distribution],
    listings: Mapping[str, Listing],
    *,
    now: datetime | None = None,
    quota: int = QUOTA,
) -> list[Fault]:
    """Return what keeps `files`, of one release, from being uploaded to an index that has `listings`.

    Files that are there already with the same bytes are no fault: an upload that stopped goes on with the others.
    """
    now = now or datetime.now(timezone.utc)
    faults = [fault for file in files for fault in _other_bytes(file, listings.get(file.project, ()))]
    faults += _too_early(files, listings)
    for project in dict.fromkeys(file.project for file in files):
        own = [file for file in files if file.project == project]
        faults += [*_closed(own, listings.get(project, ()), now), *_too_full(own, listings.get(project, ()), quota)]
    return faults


def forecast(files: Sequence[Distribution], listings: Mapping[str, Listing], *, quota: int = QUOTA) -> list[str]:
    """Return a line for each project: what it uses of its quota, and for how many releases there is room."""
    lines = []
    for project in dict.fromkeys(file.project for file in files):
        own = [file for file in files if file.project == project]
        used, size = _used(listings.get(project, ())), _size(own)
        more = _fitting(own, listings.get(project, ()), quota)
        lines.append(
            f"{project}: {size / 1e6:.1f} MB in this release, {used / 1e6:.1f} of {quota / 1e6:.0f} MB used before; "
            f"after it {more} more of this size fit"
        )
    return lines


def _other_bytes(file: Distribution, listing: Listing) -> Iterator[Fault]:
    for there in listing:
        if there.filename == file.path.name and there.digests.get("sha256") != file.sha256:
            what = "the index has a file of this name with other bytes, which cannot be replaced"
            fix = "Take the file from the index, or release a later version."
            yield Fault(gate="published", file=file.path.name, what=what, fix=fix)


def _too_early(files: Sequence[Distribution], listings: Mapping[str, Listing]) -> Iterator[Fault]:
    """Yield a fault if the core can be seen before its plug-ins: then `pip install llamapack[cuda]` fails."""
    names = {there.filename for listing in listings.values() for there in listing}
    core = sorted(file.path.name for file in files if file.project == CORE_NAME and file.path.name in names)
    missing = sorted(file.path.name for file in files if file.project != CORE_NAME and file.path.name not in names)
    if core and missing:
        what = f"the index has it, and does not have {len(missing)} files of plug-ins: {', '.join(missing)}"
        fix = "Upload these at once. The core comes last, because installers choose by it what else they need."
        yield Fault(gate="published", file=core[0], what=what, fix=fix)


def _closed(own: Sequence[Distribution], listing: Listing, now: datetime) -> Iterator[Fault]:
    names = {there.filename for there in listing}
    if all(file.path.name in names for file in own):
        return
    project, version = own[0].project, own[0].version
    times = [there.upload_time for there in listing if there.upload_time and _same_version(there.version, version)]
    if times and now - min(times) > OPEN:
        what = f"its first file of {version} was uploaded on {min(times):%Y-%m-%d}, more than {OPEN.days} days ago"
        fix = (
            f"Indexes take no more files for that release. Release a later version, or of one plug-in {version}.post1."
        )
        yield Fault(gate="age", file=project, what=what, fix=fix)


def _too_full(own: Sequence[Distribution], listing: Listing, quota: int) -> Iterator[Fault]:
    more = _fitting(own, listing, quota)
    if more < SPARE_RELEASES:
        left = f"{more} more releases of this size fit" if more >= 0 else "this release does not fit"
        what = f"{left} into its quota of {quota / 1e9:g} GB, of which {_used(listing) / 1e9:.2f} GB are used"
        fix = f"Ask the index for a larger quota, or delete old pre-releases; {SPARE_RELEASES} more must fit."
        yield Fault(gate="quota", file=own[0].project, what=what, fix=fix)


def _fitting(own: Sequence[Distribution], listing: Listing, quota: int) -> int:
    """Return how many releases of this size fit after this one; -1 if this one does not."""
    there = {each.filename for each in listing}
    new = sum(file.path.stat().st_size for file in own if file.path.name not in there)
    left = quota - _used(listing) - new
    return -1 if left < 0 else left // max(1, _size(own))


def _size(files: Sequence[Distribution]) -> int:
    return sum(file.path.stat().st_size for file in files)


def _used(listing: Listing) -> int:
    return sum(there.size or 0 for there in listing)


def _same_version(one: str | None, other: str) -> bool:
    try:
        return one is not None and Version(one) == Version(other)
    except InvalidVersion:
        return False
