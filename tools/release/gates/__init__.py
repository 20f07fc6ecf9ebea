"""What must hold before anything is uploaded.

faults    What a gate finds: which file, what is wrong, what to do.
source    The gates for the checkout: version, pins, changelog, tag, nothing edited.
files     The gates that the files of a release must pass, together and one by one.
one_file  The gates for one file: metadata, licences, pins, tags, contents, bill of materials, ABI ids.
index     The gates that look at the index: earlier uploads of the release, their age, the quota.
"""

__all__ = ["faults", "files", "index", "one_file", "source"]
