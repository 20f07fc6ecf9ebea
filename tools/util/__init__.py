"""What every room may use: processes, files, environments, downloads.

cmd           Run other programs: every module of tools/ starts them here.
logs          Show what tools log: they print nothing themselves, and whoever calls them decides where it goes.
atomic_files  Write files in one step: a reader sees the old file or the new one, and never half of one.
scratch       Folders for a moment, below the cache; what a killed process left there is removed by the next one.
files         Locks, folders that are made whole or not at all, and errors of the disk that say what was being done.
disk          Refuse long work before it begins if the disk has no room for it.
stamps        What something was made from, written beside it: the next run can tell whether to make it again.
toml_table    Read tables of a TOML file; every complaint names the file, the key and the valid values.
inherited     What a process inherits from whoever starts it, and a known state of it for sessions and tests.
cpu_count     How many processors may be used, and how many compilers run at once.
venv          Virtual environments with pinned packages, made once and kept.
downloads     Download one file of a package with pip, from whatever index it is set to; its hash is pinned.
"""

__all__ = [
    "atomic_files",
    "cmd",
    "cpu_count",
    "disk",
    "downloads",
    "files",
    "inherited",
    "logs",
    "scratch",
    "stamps",
    "toml_table",
    "venv",
]
