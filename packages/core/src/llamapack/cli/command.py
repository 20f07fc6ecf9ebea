"""The command `llamapack`."""

from __future__ import annotations

import errno
import io
import os
import sys
import warnings
from typing import Any, TextIO

import click

from llamapack.cli.chat import chat
from llamapack.cli.doctor import doctor
from llamapack.cli.fit import fit
from llamapack.cli.info import info
from llamapack.cli.inspect import inspect, printable
from llamapack.cli.models import cp, list_models, rm, show
from llamapack.cli.perplexity import perplexity
from llamapack.cli.pull import pull
from llamapack.cli.quantize import quantize
from llamapack.cli.run import run
from llamapack.cli.serve import serve
from llamapack.cli.serving import ps, stop
from llamapack.cli.tokenize import tokenize
from llamapack.errors import BackendError, InputError, LlamapackError, LlamapackWarning, ModelError

INTERRUPTED = 130  # 128 + SIGINT
BROKEN_PIPE = 141  # 128 + SIGPIPE
_OUTPUT = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EBADF, errno.EIO)  # errors of writing to standard output

# 2 is also click's status for a wrong command line
EXIT_STATUS: tuple[tuple[type[LlamapackError], int], ...] = (
    (InputError, 2),
    (ModelError, 3),
    (BackendError, 4),
    (LlamapackError, 1),
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="llamapack", message="llamapack %(version)s")
def cli() -> None:
    """Run GGUF models with llama.cpp, on the best hardware there is.

    Exit status: 0 success, 1 other errors, 2 wrong input, 3 the model cannot be loaded, 4 the hardware cannot be used
    as asked, 130 Ctrl-C, 141 the reader of the output went away.
    """


_RUNNING = (chat, run, serve, ps, stop)
_MODELS = (pull, list_models, show, rm, cp, inspect, fit)
_OTHERS = (info, doctor, tokenize, quantize, perplexity)

for command in (*_RUNNING, *_MODELS, *_OTHERS):
    cli.add_command(command)


def main() -> None:
    """Run the command line and exit; our own errors become one message and a status."""
    _allow_any_text()
    _shorten_warnings()
    if instruction := os.environ.get("_LLAMAPACK_COMPLETE"):
        from llamapack.cli.completion import complete

        sys.exit(complete(cli, instruction))
    try:
        # not cli.main, which handles a broken pipe in its own way
        with cli.make_context("llamapack", sys.argv[1:]) as context:
            cli.invoke(context)
        if sys.stdout is not None:
            sys.stdout.flush()
        sys.exit(0)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except LlamapackError as error:
        _say(f"llamapack: {error}")
        sys.exit(next(status for kind, status in EXIT_STATUS if isinstance(error, kind)))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Python flushes standard output once more at exit; send that to the null device.
        _write_nowhere(sys.stdout)
        sys.exit(BROKEN_PIPE)
    except SystemExit:  # by a signal; the terminal may be gone, too
        for stream in filter(None, (sys.stdout, sys.stderr)):
            try:
                stream.flush()
            except OSError:
                _write_nowhere(stream)
        raise
    except OSError as error:
        if error.filename is None and error.errno in _OUTPUT:
            _write_nowhere(sys.stdout)
            click.echo(f"llamapack: The output cannot be written.\n{error.strerror}", err=True)
        else:
            _say(f"llamapack: {error}")
        sys.exit(1)


def _say(text: str) -> None:
    """Write a message to standard error; names in it may have characters that a terminal would obey."""
    click.echo(printable(text), err=True)


def _shorten_warnings() -> None:
    """Print our warnings as plain messages, without the source line that Python adds."""
    usual = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        if isinstance(message, LlamapackWarning):
            _say(f"llamapack: warning: {message}")
        else:
            usual(message, category, *place, **more)

    warnings.showwarning = show


def _write_nowhere(stream: TextIO) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _allow_any_text() -> None:
    """Escape characters that standard output cannot encode, instead of failing on them."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
