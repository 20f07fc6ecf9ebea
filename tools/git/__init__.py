"""Git, as far as vendoring needs it.

repository        Run git without the user's configuration, the environment, or a surrounding repository.
patch             Read the patch series: patches/NNNN-name.patch, applied in the order of their names.
apply             Apply a patch to an index with `git apply`, or ask whether it would apply.
am                Turn patch files into commits: `git am`, always called the same way.
format_patch      Write commits as patch files, byte for byte the same with every version of git.
snapshot          Look at a working tree as git would store it, without touching its index.
scratch_clone     A temporary repository that uses the objects of another one, but not its settings.
worktree_state    The state of the tracking repository: edits, conflicts, unfinished operations.
conflict_markers  Find conflict markers that were left in files.
"""

__all__ = [
    "am",
    "apply",
    "conflict_markers",
    "format_patch",
    "patch",
    "repository",
    "scratch_clone",
    "snapshot",
    "worktree_state",
]
