"""Look into finished libraries and wheels: what they need, show, hold, and which instructions they use.

`reading` makes one `Library` of each file, `rules` judge it, `wheel` judges all libraries of a wheel and says what it
found. Nothing is loaded or run, so a library for another system is audited like one of this.
"""
