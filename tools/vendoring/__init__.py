"""llama.cpp from the pin to the packages: what `inv vendor.*` does.

source          Where llama.cpp comes from, and what is copied.
apply           Apply the patch series with `git am -3`, one patch at a time, so that it can continue after every stop.
bump            Move the pin to another commit of llama.cpp, and the patches with it.
create_patches  Write the commits of the tracking repository as the patch series.
sync            Copy upstream's files into each package, by content: an unchanged tree is not touched.
check           Rebuild pin and patches in a scratch clone, and compare with what the packages would build from.
status          Collect where vendoring stands; `messages` puts it into words.
clean           Remove what vendoring made, without losing what a maintainer did.
ensure          What builds need to know of vendoring: put the source in place, or say how to fix it.
command         What every command does around its work: explain what the disk refuses, require git, hold the lock.
advice          Say what to do next, in one place for every command.
origin          What packages are copied from, and what may be said of it.
journal         What an apply or a bump has done and has still to do, written down before each step.
sequencer       Take an operation step by step to its end, from wherever a conflict or a kill left it.
dry_run         Try a series on a commit in a scratch clone: what would happen, with nothing changed.
backups         See that nothing is lost which only the tracking repository has: find it, refuse to go on, or save it.
mismatch        Tell whether the tracking repository stands on the pin, and on the series that patches/ holds.
freshness       Tell whether a package's synced tree is what it should be made from now.
plain_tree      Work on a source tree that has no git history: an unpacked archive, or a developer's own folder.
changelog       Add lines to the changelog's part for what is not released yet, and take them out again.
messages        Put what vendoring did into words: lists of lines, for whoever prints them.
"""

__all__ = [
    "advice",
    "apply",
    "backups",
    "bump",
    "changelog",
    "check",
    "clean",
    "command",
    "create_patches",
    "dry_run",
    "ensure",
    "freshness",
    "journal",
    "messages",
    "mismatch",
    "origin",
    "plain_tree",
    "sequencer",
    "source",
    "status",
    "sync",
]
