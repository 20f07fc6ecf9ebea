"""Git, as far as vendoring needs it.

repository        Call git so that neither the user's configuration, nor the environment, nor a repository around ours m
patch             Read the patch series: patches/NNNN-name.patch, applied in the order of their names.
apply             Apply a patch to an index with `git apply`, or ask whether it would apply.
am                Turn patch files into commits: `git am`, always called the same way.
format_patch      Write commits as patch files: the same commits are the same bytes, whoever writes them and with whiche
snapshot          Look at a working tree as git would store it, without touching its index.
scratch_clone     A repository for a moment, that sees another one's objects and none of its settings.
worktree_state    See what is going on in the tracking repository: edits, conflicts, operations that were not finished.
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
