"""The routes of Ollama's interface."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from llamapack import gguf
from llamapack.engine.bodies import error_in
from llamapack.errors import ModelError
from llamapack.runner.aio import AsyncRunnerResponse
from llamapack.server.bodies import Buffers
from llamapack.server.exchange import Exchange, Handler
from llamapack.server.ollama import about
from llamapack.server.ollama.answers import Answer, ChatAnswer, TextAnswer, embeddings_of, now
from llamapack.server.ollama.durations import seconds
from llamapack.server.ollama.requests import (
    Translated,
    chat_request,
    dimensions_of,
    embed_request,
    generate_request,
)
from llamapack.server.reading import Json, field, model_name, read_object, wrong
from llamapack.server.refusal import Refusal
from llamapack.server.runners.asking import RunnerRequest
from llamapack.server.runners.keeper import Keeper
from llamapack.server.runners.models import Models
from llamapack.server.settings import Limits

logger = logging.getLogger("llamapack.server")
_LINES = "application/x-ndjson"
_MANAGING = "This server does not fetch, make or change models. Start it with the file of the model."


class OllamaRoutes:
    """Answers Ollama's clients."""

    def __init__(self, models: Models, buffers: Buffers, limits: Limits, version: str) -> None:
        """Take what the requests need."""
        self._models = models
        self._buffers = buffers
        self._limits = limits
        self._version = version
        self._outlines = about.Outlines()

    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        """Return the handlers by method and path."""
        found: dict[tuple[str, str], Handler] = {
            ("POST", "/api/chat"): self._reading(self._chat),
            ("POST", "/api/generate"): self._reading(self._generate),
            ("POST", "/api/embed"): self._reading(self._embed),
            ("POST", "/api/embeddings"): self._reading(self._embeddings),
            ("POST", "/api/show"): self._reading(self._show),
            ("GET", "/api/tags"): self._working(self._tags),
            ("GET", "/api/ps"): self._working(self._ps),
            ("GET", "/api/version"): self._tell_version,
        }
        for method, name in (
            ("POST", "pull"),
            ("POST", "push"),
            ("POST", "create"),
            ("POST", "copy"),
            ("DELETE", "delete"),
        ):
            found[method, f"/api/{name}"] = self._no_managing
        return found

    def _working(self, handle: Handler) -> Handler:
        """Return a handler that stops when the client goes away, or the time is up."""

        async def handler(exchange: Exchange) -> None:
            await exchange.work(handle(exchange), self._limits.request_seconds)

        return handler

    def _reading(self, handle: Callable[[Exchange, Json], Awaitable[None]]) -> Handler:
        """Return a handler that reads the body first, and stops when the client goes away."""

        async def handler(exchange: Exchange) -> None:
            async with self._buffers.body(exchange.headers, exchange.receive) as body:
                request = read_object(body)
                await exchange.work(handle(exchange, request), self._limits.request_seconds)

        return handler

    async def _chat(self, exchange: Exchange, request: Json) -> None:
        name, stream = model_name(request), field(request, "stream", bool, True)
        translated = chat_request(request, stream=stream)
        if not translated.body["messages"]:
            await self._only_load(exchange, request, {"message": {"role": "assistant", "content": ""}})
            return
        await self._answer(exchange, request, translated, _Kind(name=name, chat=True))

    async def _generate(self, exchange: Exchange, request: Json) -> None:
        name, stream = model_name(request), field(request, "stream", bool, True)
        translated = generate_request(request, stream=stream)
        if not any(request.get(part) for part in ("prompt", "suffix", "images")):
            await self._only_load(exchange, request, {"response": ""})
            return
        await self._answer(exchange, request, translated, _Kind(name=name, chat=False))

    async def _only_load(self, exchange: Exchange, request: Json, empty: Json) -> None:
        """Answer a request without a prompt, which is to load the model, or with `keep_alive` of 0 to unload it."""
        keep = seconds(request.get("keep_alive"), "keep_alive")
        keeper, reason = self._models.find(model_name(request)), "unload" if keep == 0 else "load"
        if reason == "load":
            async with self._models.use(keeper, keep), keeper.quick.place():
                pass
        elif self._models.only is None:
            await self._models.unload(keeper)
        made = {"model": model_name(request), "created_at": now(), **empty, "done": True, "done_reason": reason}
        await exchange.answer_json(200, made)

    async def _answer(self, exchange: Exchange, request: Json, translated: Translated, kind: _Kind) -> None:
        keep, keeper = seconds(request.get("keep_alive"), "keep_alive"), self._models.find(kind.name)
        began = time.monotonic()

        async def take(response: AsyncRunnerResponse) -> None:
            make = ChatAnswer if translated.path.endswith("/chat/completions") else TextAnswer
            answer = make(kind.name, chat=kind.chat, seconds_before=time.monotonic() - began)
            await _raise_error(response)
            if translated.body["stream"]:
                await _stream(exchange, response, answer, began)
            else:
                await exchange.answer_json(200, answer.whole(await response.json(), time.monotonic() - began))

        async with self._models.use(keeper, keep):
            await keeper.answer(_to_runner(translated), take)

    async def _vectors(self, request: Json) -> tuple[list[list[float]], int]:
        """Return the vectors of a request's texts, and how many tokens they have."""
        translated, dimensions = embed_request(request), dimensions_of(request)
        keep, keeper = seconds(request.get("keep_alive"), "keep_alive"), self._models.find(model_name(request))
        if not translated.body["input"]:
            return [], 0
        found: list[Any] = []

        async def take(response: AsyncRunnerResponse) -> None:
            await _raise_error(response)
            found.append(await response.json())

        async with self._models.use(keeper, keep):
            await keeper.answer(_to_runner(translated), take)
        return embeddings_of(found[-1], dimensions), int(found[-1]["usage"]["prompt_tokens"])

    async def _embed(self, exchange: Exchange, request: Json) -> None:
        name, began = model_name(request), time.monotonic()
        vectors, tokens = await self._vectors(request)
        took = int((time.monotonic() - began) * 1e9)
        numbers = {"total_duration": took, "load_duration": 0, "prompt_eval_count": tokens}
        await exchange.answer_json(200, {"model": name, "embeddings": vectors, **numbers})

    async def _embeddings(self, exchange: Exchange, request: Json) -> None:
        model_name(request)
        prompt = field(request, "prompt", str, "")
        vectors, _ = await self._vectors({**request, "input": prompt or []})
        await exchange.answer_json(200, {"embedding": vectors[0] if vectors else []})

    async def _show(self, exchange: Exchange, request: Json) -> None:
        keeper, verbose = self._models.find(model_name(request)), field(request, "verbose", bool, False)
        try:
            facts = await about.facts_of(keeper, self._outlines)
            file = await asyncio.to_thread(gguf.read, keeper.model.path)
        except (ModelError, OSError) as error:
            logger.warning("%s cannot be read: %s", keeper.model.name, error)
            what = f"{keeper.model.name} cannot be read; the log of the server says why."
            raise Refusal(500, "model_unreadable", what) from error
        await exchange.answer_json(200, about.shown(facts, file.metadata, verbose=verbose))

    async def _tags(self, exchange: Exchange) -> None:
        found = [about.listed(facts) for facts in await self._facts(self._models.keepers.values())]
        await exchange.answer_json(200, {"models": found})

    async def _ps(self, exchange: Exchange) -> None:
        ready = [keeper for keeper in self._models.keepers.values() if keeper.state == "ready"]
        found = [about.loaded(facts) for facts in await self._facts(ready) if facts.properties]
        await exchange.answer_json(200, {"models": found})

    async def _facts(self, keepers: Iterable[Keeper]) -> list[about.Facts]:
        """Return what is known of models; those whose files are damaged, or gone, are left out."""
        found = []
        for keeper in keepers:
            with contextlib.suppress(ModelError, OSError):
                found.append(await about.facts_of(keeper, self._outlines))
        return found

    async def _tell_version(self, exchange: Exchange) -> None:
        await exchange.answer_json(200, {"version": self._version})

    async def _no_managing(self, exchange: Exchange) -> None:
        raise Refusal(501, "not_supported", _MANAGING)


@dataclass(frozen=True, kw_only=True)
class _Kind:
    name: str
    chat: bool


def _to_runner(translated: Translated) -> RunnerRequest:
    try:
        return RunnerRequest(path=translated.path, body=json.dumps(translated.body).encode())
    except RecursionError:
        raise wrong("The request is nested too deeply.") from None


async def _raise_error(response: AsyncRunnerResponse) -> None:
    """Raise what the runner refuses as Ollama's clients are to read it."""
    if response.status >= 400:
        error = error_in(await response.read())
        raise Refusal(response.status, "refused", str(error.get("message", "")))


async def _stream(exchange: Exchange, response: AsyncRunnerResponse, answer: Answer, began: float) -> None:
    await exchange.begin(200, _LINES)
    async for event in response.events():
        part = event.json()
        if "error" in part:
            error = part["error"]
            raise Refusal(500, "failed", str(error.get("message", "") if isinstance(error, dict) else error))
        for each in answer.feed(part):
            await exchange.write(_line(each))
    for each in answer.end(time.monotonic() - began):
        await exchange.write(_line(each))
    await exchange.end()


def _line(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"
