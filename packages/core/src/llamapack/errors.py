"""Every error that llamapack raises on purpose.

LlamapackError
├── InstallationError           the wheel is damaged, incomplete or does not fit together: reinstall
├── BackendError                the wanted hardware cannot be used
│   └── CpuLevelError           an unknown or unsupported CPU level was asked for
├── ModelError                  the file cannot be loaded
│   ├── ModelNotFoundError      also a FileNotFoundError
│   ├── ModelFormatError        not GGUF, truncated, or of an unknown architecture
│   ├── ModelMemoryError        there is not enough memory for it; also a MemoryError
│   ├── ModelChoiceError        a name stands for several models; it has the choices
│   └── DownloadError           the file cannot be got from the hub or another server
├── InputError                  an argument is wrong; also a ValueError
│   ├── UnknownArgumentError    no argument has that name; also a TypeError
│   ├── PromptTooLongError      it does not fit the context
│   ├── TaskError               the model is for something else
│   ├── ChatTemplateError       the template refuses the messages
│   └── GrammarError            a grammar or a JSON schema cannot be used
├── SamplingError               no token can be chosen, or it does not fit the grammar
├── DecodeError                 llama.cpp could not process a batch
│   └── CacheFullError          no room is left in the KV cache
├── CancelledError              a callback or another thread asked to stop
├── RequestError                an engine refuses a request, or fails to answer it
├── RunnerError                 the process of an isolated model ended; it has its status and its last lines
├── ReplyError                  the model's answer is not what was asked for; it has the answer
├── ToolError                   a tool failed, or the model goes on calling tools
└── StateError                  the call does not fit the object's state
    ├── ClosedError             it was closed
    └── ThreadError             another thread is using it

LlamapackWarning, a UserWarning
├── BackendWarning              a plug-in is installed and not used, or the CPU does a GPU's work
├── SchemaWarning               keywords of a JSON schema are not enforced
├── PromptWarning               a prompt is written or tokenized in a way that was hardly meant
└── ThreadsWarning              more threads are asked for than there are processors

A message says what happened with the value in it, why if that is known, and what to do.
"""

from __future__ import annotations


class LlamapackError(Exception):
    """The base class: `except LlamapackError` catches everything that llamapack raises on purpose."""

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        """Join the three parts of the message, each on a line of its own."""
        self.what = what
        self.why = why
        self.fix = fix
        super().__init__("\n".join(part for part in (what, why, fix) if part))


class InstallationError(LlamapackError):
    """The installed files are damaged, incomplete or do not fit together."""


class BackendError(LlamapackError):
    """The requested hardware cannot be used."""


class LlamapackWarning(UserWarning):
    """The base class of llamapack's warnings."""


class BackendWarning(LlamapackWarning):
    """A backend is installed and not used, or the CPU is used although a GPU was asked for."""


class CpuLevelError(BackendError):
    """The requested CPU level is unknown, or this processor does not support it."""


class ModelError(LlamapackError):
    """A model cannot be loaded."""


class ModelNotFoundError(ModelError, FileNotFoundError):
    """The file does not exist or cannot be opened."""

    def __str__(self) -> str:
        """Return our message; FileNotFoundError would show its own fields."""
        return "\n".join(part for part in (self.what, self.why, self.fix) if part)


class ModelFormatError(ModelError):
    """The file is not GGUF, is truncated, or contains something that llama.cpp does not support."""


class ModelMemoryError(ModelError, MemoryError):
    """There is not enough memory for the model and its context."""


class ModelChoiceError(ModelError):
    """A name stands for several models, and none of them is the default.

    `choices` are references, one for each of them.
    """

    def __init__(self, what: str, *, choices: tuple[str, ...], why: str = "", fix: str = "") -> None:
        """Take the parts of the message, and the choices."""
        super().__init__(what, why=why, fix=fix)
        self.choices = choices


class DownloadError(ModelError):
    """A file cannot be got from the hub or from another server.

    `status` is the HTTP status that the server answered, and None if it did not, or if that was not the problem.
    """

    def __init__(self, what: str, *, status: int | None = None, why: str = "", fix: str = "") -> None:
        """Take the parts of the message, and the status."""
        super().__init__(what, why=why, fix=fix)
        self.status = status


class InputError(LlamapackError, ValueError):
    """An argument is wrong."""


class UnknownArgumentError(InputError, TypeError):
    """No argument has that name."""


class PromptTooLongError(InputError):
    """The prompt does not fit the context."""


class TaskError(InputError):
    """The model is for something else: an embedding model writes no texts, for example."""


class ChatTemplateError(InputError):
    """The chat template cannot be compiled, or rejects the messages."""


class GrammarError(InputError):
    """A grammar or a JSON schema cannot be used."""


class SchemaWarning(LlamapackWarning):
    """A grammar cannot express some keywords of a JSON schema, so they are not enforced."""


class PromptWarning(LlamapackWarning):
    """A prompt is written or tokenized in a way that is probably a mistake."""


class ThreadsWarning(LlamapackWarning):
    """More threads are asked for than this process may use processors."""


class SamplingError(LlamapackError):
    """No token can be chosen, or a token does not fit the grammar."""


class DecodeError(LlamapackError):
    """llama.cpp could not process a batch."""


class CacheFullError(DecodeError):
    """The KV cache has no room for the batch."""


class CancelledError(LlamapackError):
    """A callback or another thread stopped the call."""


class RequestError(LlamapackError):
    """An engine rejects a request, or fails to answer it.

    `status` is an HTTP status: from 400 the request is wrong, from 500 the engine failed. `kind` is llama.cpp's name
    for the error, such as `invalid_request_error` or `exceed_context_size_error`.
    """

    def __init__(self, what: str, *, status: int, kind: str, why: str = "", fix: str = "") -> None:
        """Make the error from the parts of its message, its status and its kind."""
        super().__init__(what, why=why, fix=fix)
        self.status = status
        self.kind = kind


class RunnerError(LlamapackError):
    """The process of a model that runs isolated ended, or could not be started.

    `status` is its exit status, negative for a signal, and None if it has not ended or there was none. `log` are the
    last lines that it logged, the newest at the end.
    """

    def __init__(self, what: str, *, status: int | None, log: tuple[str, ...], why: str = "", fix: str = "") -> None:
        """Take the parts of the message, the status and the lines."""
        super().__init__(what, why=why, fix=fix)
        self.status = status
        self.log = log


class ReplyError(LlamapackError):
    """The model's answer is not what was asked for: it does not fit the type, or was cut off.

    `text` is the answer as far as it goes.
    """

    def __init__(self, what: str, *, text: str, why: str = "", fix: str = "") -> None:
        """Take the parts of the message, and the answer."""
        super().__init__(what, why=why, fix=fix)
        self.text = text


class ToolError(LlamapackError):
    """A tool that the model called failed, or the model goes on calling tools."""


class StateError(LlamapackError):
    """The object is not in a state in which the call is possible."""


class ClosedError(StateError):
    """The object was closed."""


class ThreadError(StateError):
    """Another thread is using the object."""
