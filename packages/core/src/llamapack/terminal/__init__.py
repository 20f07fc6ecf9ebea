"""The program behind `llamapack chat`: a conversation in a terminal, or by standard input.

session         The loop: what is typed is a command or a message, until the user leaves.
actions         What each command does.
commands        The commands, and how a line is read as one.
conversation    What was said so far, with which model and options; knows nothing of screens.
settings        What `/set` changes.
dropped_files   Images by path in what is typed.
answering       Let the model write; Ctrl-C stops the answer.
views           How an answer is shown: as markdown while it is written, or as plain text.
live_region     The last lines of the output, which can still change.
markdown        Markdown that is still being written: what of it is complete, and how it is shown.
wrapping        Lines that fit the window.
safe_text       Texts without characters that control a terminal.
statistics      Tokens, their pace, and how full the context is.
keyboard        Read what is typed, with prompt_toolkit: several lines, history, completion.
plain_input     Read what is typed without it, or lines of standard input.
state           The state of the terminal: quiet while nobody reads, and put right at the end.
history         The file with what was typed.
small_models    Small models to begin with.
choosing        Offer one of them.
opening         Find a model, and load it.
"""

from __future__ import annotations

from llamapack.terminal.opening import Opener
from llamapack.terminal.session import Session
from llamapack.terminal.settings import Settings

__all__ = ["Opener", "Session", "Settings"]
