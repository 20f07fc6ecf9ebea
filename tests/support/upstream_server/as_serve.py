"""`llamapack serve`, started with the arguments of `llama-server`, as far as it has the same.

Run as `python -m tests.support.upstream_server.as_serve ARGUMENT...`. An argument that has no counterpart ends it, so
that no test passes by chance.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.support.upstream_server.hub import MODELS

OWN = {
    "--host": "--host",
    "--port": "--port",
    "--alias": "--name",
    "--ctx-size": "--ctx-size",
    "--parallel": "--parallel",
    "--threads": "--threads",
}
"""Arguments with a value that are options of `serve`."""
FLAGS = {
    "--embedding": "embedding=true",
    "--reranking": "rerank=true",
    "--cont-batching": "cont_batching=true",
    "--kv-unified": "kv_unified=true",
    "--swa-full": "swa_full=true",
    "--context-shift": "context_shift=true",
    "--jinja": "jinja=true",
    "--no-jinja": "jinja=false",
    "--no-cache-idle-slots": "cache_idle_slots=false",
    "--backend_sampling": "backend_sampling=true",
}
"""Arguments without a value that are options of llama.cpp's server."""
SAID_OTHERWISE = ("--hf-repo", "--hf-file", "--model", "--api-key")
SHORT = {"-ctk": "cache_type_k", "-ctv": "cache_type_v", "-fa": "flash_attn", "--model-draft": "spec_draft_model"}
PASSED_OVER = ("--offline", "--metrics", "--no-slots", "--slots", "--no-ui", "--verbose")
"""`serve` downloads nothing, has metrics, and never has the route `/slots`; a page and a log change no answer."""
REFUSED = {
    *("--cors-origins", "--sleep-idle-seconds", "--slot-save-path", "--ui-mcp-proxy", "--tools", "--tools-runtime"),
    *("--mcp-servers-config", "--mcp-servers-json", "--models-dir", "--models-preset", "--models-max"),
}
"""What `serve` leaves out on purpose."""


def files(repository: str, name: str | None) -> tuple[Path, Path | None]:
    """Return the model that a repository's name and a file's name stand for, and its projector, if it has one."""
    folder = Path(os.environ[MODELS], repository.partition(":")[0])
    if name:
        return folder / name, None
    (model,) = (path for path in folder.glob("*.gguf") if "mmproj" not in path.name and "MOE" not in repository)
    return model, next(iter(folder.glob("mmproj*.gguf")), None)


def arguments(given: Sequence[str]) -> Iterator[str]:
    """Return the arguments of `serve` that mean the same."""
    words, said = iter(given), dict[str, str]()
    for word in words:
        if word in PASSED_OVER:
            continue
        if word in FLAGS:
            yield from ("--option", FLAGS[word])
        elif word in OWN:
            yield from (OWN[word], next(words))
        elif word in SAID_OTHERWISE:
            said[word] = next(words)
        else:
            yield from ("--option", f"{_option(word)}={next(words)}")
    if "--kv-unified" not in given:
        yield from ("--option", "kv_unified=false")  # as with llama-server, if it is told how many slots
    if "--api-key" in said:
        os.environ["LLAMAPACK_API_KEY"] = said["--api-key"]
    yield from _model(said)


def _option(word: str) -> str:
    """Return what an option of llama.cpp's server is called in `--option`."""
    if word in REFUSED or not (word.startswith("--") or word in SHORT):
        sys.exit(f"llamapack serve has nothing like {word}")
    return SHORT.get(word, word[2:].replace("-", "_"))


def _model(said: Mapping[str, str]) -> Iterator[str]:
    if "--hf-repo" in said:
        model, projector = files(said["--hf-repo"], said.get("--hf-file"))
        if projector:
            yield from ("--option", f"mmproj={projector}")
        yield str(model)
    elif "--model" in said:
        yield said["--model"]
    else:
        sys.exit("llamapack serve needs a model")


if __name__ == "__main__":
    command = [sys.executable, "-m", "llamapack", "serve", *arguments(sys.argv[1:])]
    os.environ.pop("PYTHONPATH", None)
    os.execv(sys.executable, command)  # noqa: S606 - so that signals reach it
