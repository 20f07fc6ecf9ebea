"""Beginnings of prompts for one model: restored from disk before a request, saved after it."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import secrets
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from llamapack.engine.bodies import error_in
from llamapack.errors import LlamapackError
from llamapack.runner.aio import AsyncRunnerResponse
from llamapack.runner.configuration import Wanted
from llamapack.server.prompt_cache.counts import Counts
from llamapack.server.prompt_cache.entries import UNFINISHED, Entry
from llamapack.server.prompt_cache.keys import key_of, why_off
from llamapack.server.prompt_cache.memory import Memory
from llamapack.server.prompt_cache.prefixes import LEAST, Prefix, prefix_of
from llamapack.server.prompt_cache.slots import Slot, answered_slot, free_slot, newest_task, read_slots
from llamapack.server.prompt_cache.store import ModelFiles, Store
from llamapack.server.refusal import Refusal

logger = logging.getLogger("llamapack.server")
_NOT_GIVEN = "--prompt-cache is not given"
_SECONDS = 120.0
_FINISH_SECONDS = 10.0
_PAUSE_SECONDS = 60.0
"""After a fault nothing is saved for so long: a full disk is not tried with every request."""
_LEAST_OF_FILE = 0.25
_LEAST_OF_PROMPT = 0.2
"""How much of a file, and of a prompt, they must have in common. llama.cpp takes a slot with a tenth of the prompt."""
_LEAST_NEW = 0.25
"""How much of a prompt must be in no file for another one: a conversation is saved each time it has grown so much."""
_IN_THREAD = 1 << 17
_CACHE_RAM = 1024
"""MiB that llama.cpp keeps of prompts in memory, in a runner."""
_OF_FILE = ("the file of the slot", "there is no file of a slot")

_FAULTS = (LlamapackError, Refusal, asyncio.TimeoutError, OSError, ValueError, KeyError, TypeError)
"""The runner has ended, or answers something else; the disk is full, or gone."""

Ask = Callable[[str, str, bytes], Awaitable[AsyncRunnerResponse]]


@dataclass(frozen=True, kw_only=True)
class Use:
    """A request whose prompt is to be saved when it is answered; `after` was the last request before it."""

    prefix: Prefix
    after: int


@dataclass
class _Runner:
    """What is known of the runner, from its start to its end."""

    memory: Memory
    told: set[int] = field(default_factory=set)
    in_slots: dict[int, tuple[str, ...]] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)


class PromptCache:
    """The cache of one model. It is off until `prepare` finds that there can be one."""

    def __init__(self, name: str, store: Store | None, ask: Ask) -> None:
        """Take the name of the model, the files, and what sends requests to its runner."""
        self.off = _NOT_GIVEN if store is None else "the model is not loaded"
        """Why it is off; empty if it is on."""
        self.fault = ""
        """Why nothing could be saved or restored last."""
        self.counts = Counts()
        self._name = name
        self._store = store
        self._ask = ask
        self._files: ModelFiles | None = None
        self._runner = _Runner(Memory(math.inf, 1))
        self._cache_ram: object = _CACHE_RAM
        self._alone = asyncio.Lock()
        self._saving: set[asyncio.Task[None]] = set()
        self._resume = 0.0
        self._too_large = math.inf

    def prepare(self, wanted: Wanted) -> Wanted:
        """Return what a runner is told, with the folder for its files. It is called in a thread."""
        if self._store is None:
            return wanted
        self._files = None
        self.off = why_off(wanted)
        if not self.off:
            try:
                self._files = self._store.of_model(key_of(wanted))
            except OSError as error:
                self.off = f"its folder cannot be used: {error}"
        if self._files is None:
            self._tell_off()
            return wanted
        self._cache_ram = wanted.options.get("cache-ram", _CACHE_RAM)
        return replace(wanted, options={**wanted.options, "slot-save-path": str(self._files.folder)})

    def loaded(self, *, can_roll_back: bool, slots: int) -> None:
        """Note that a runner is ready."""
        if self._files is None:
            return
        if not can_roll_back:
            self._files = None
            self.off = "the model's memory cannot be rolled back to the beginning of another prompt"
            self._tell_off()
            return
        ram = self._cache_ram if isinstance(self._cache_ram, int) else _CACHE_RAM
        self._runner = _Runner(Memory(math.inf if ram < 0 else ram * 2.0**20, slots))

    def status(self) -> Mapping[str, Any]:
        """Return whether it is on, or why not; why something could not be saved or restored last; and numbers."""
        state = {"state": "off", "reason": self.off} if self.off else {"state": "on", "reason": self.fault}
        return {**state, **asdict(self.counts)}

    def _tell_off(self) -> None:
        logger.warning("%s has no prompt cache: %s", self._name, self.off)

    async def before(self, path: str, body: bytes) -> Use | None:
        """Restore the beginning of a request's prompt; return what `after` needs, None if there is nothing to save."""
        if self._files is None:
            return None
        if self._alone.locked():  # a slot is being saved; another request would take it, or have it cleared
            async with self._alone:
                pass
        at_once = len(body) <= _IN_THREAD
        prefix = prefix_of(path, body) if at_once else await asyncio.to_thread(prefix_of, path, body)
        if prefix is None:
            return None
        try:
            async with self._alone:
                return await self._prepare_for(prefix, self._files)
        except _FAULTS as error:
            self._fail("restored", error)
            return None

    async def _prepare_for(self, prefix: Prefix, files: ModelFiles) -> Use | None:
        found = files.best(prefix)
        shared = 0 if found is None else found[1]
        memory = self._runner.memory.shared(prefix)
        slots = None
        if found is not None and self._is_worth_reading(*found, prefix, memory):
            slots = await self._slots()
            if not await self._restore(*found, slots, files):
                shared = 0 if (found := files.best(prefix)) is None else found[1]
        elif memory >= LEAST:
            self.counts.in_memory += 1
        else:
            self.counts.missed += 1
        if found is not None and shared >= LEAST:
            files.touch(found[0])
        self._runner.memory.remember(prefix, _bytes_per_byte(files) * prefix.length)
        if not self._is_worth_a_file(prefix, shared):
            return None
        return Use(prefix=prefix, after=newest_task(slots or await self._slots()))

    def _is_worth_a_file(self, prefix: Prefix, shared: int) -> bool:
        new = prefix.length - shared
        late = time.monotonic() >= self._resume
        return late and new >= max(LEAST, prefix.length * _LEAST_NEW) and prefix.length < self._too_large

    def _is_worth_reading(self, entry: Entry, shared: int, prefix: Prefix, memory: int) -> bool:
        known = shared >= LEAST and shared >= memory + LEAST and entry.name not in self._runner.refused
        return known and shared >= entry.length * _LEAST_OF_FILE and shared >= prefix.length * _LEAST_OF_PROMPT

    async def _restore(self, entry: Entry, shared: int, slots: list[Slot], files: ModelFiles) -> bool:
        """Return False if the file is no good."""
        slot = free_slot(slots)
        if slot is None:
            self.counts.missed += 1
            return True
        began = time.monotonic()
        status, answer = await self._act(slot, "restore", entry.file)
        self._runner.memory.forget(self._runner.in_slots.pop(slot.id, ()))
        if status != 200:
            message = str(answer["message"])
            self._runner.refused.add(entry.name)
            if message.startswith(_OF_FILE):
                files.discard(entry)
            self._fail("restored", message)
            return False
        self.counts.restored += 1
        self._runner.in_slots[slot.id] = tuple(entry.chain)
        what = "%s: about %d tokens of a prompt were restored from disk in %.2f seconds"
        logger.info(what, self._name, entry.tokens_of(shared), time.monotonic() - began)
        return True

    def after(self, use: Use | None) -> None:
        """Save the prompt of a request that was answered, while others wait."""
        if use is not None and self._files is not None:
            task = asyncio.create_task(self._save(use, self._files))
            self._saving.add(task)
            task.add_done_callback(self._saving.discard)

    async def finish(self) -> None:
        """Wait until everything is saved, but not for long: the runner may hang."""
        saving = set(self._saving)
        if saving:
            _, late = await asyncio.wait(saving, timeout=_FINISH_SECONDS)
            for task in late:
                task.cancel()

    async def _save(self, use: Use, files: ModelFiles) -> None:
        name = secrets.token_hex(16)
        try:
            async with self._alone:
                tokens = await self._write(name, use, files)
            if tokens:
                await asyncio.to_thread(self._keep, name, use.prefix, tokens, files)
        except _FAULTS as error:
            self._fail("saved", error)
            self._resume = time.monotonic() + _PAUSE_SECONDS
        finally:
            files.discard_unfinished(name)

    async def _write(self, name: str, use: Use, files: ModelFiles) -> int:
        """Let the runner write the slot that has answered; return how many tokens it held, 0 if it wrote none."""
        slot = answered_slot(await self._slots(), use.after, self._runner.told)
        if slot is None:
            self.counts.unclear += 1
            return 0
        self._runner.told.add(slot.task)
        self._runner.in_slots[slot.id] = tuple(use.prefix.chain)
        status, answer = await self._act(slot, "save", f"{name}{UNFINISHED}")
        if status != 200:
            free = shutil.disk_usage(files.folder).free >> 20
            raise OSError(f"{answer['message']}; the disk has {free} MiB left")
        return int(answer["n_saved"])

    def _keep(self, name: str, prefix: Prefix, tokens: int, files: ModelFiles) -> None:
        assert self._store is not None
        size = (files.folder / f"{name}{UNFINISHED}").stat().st_size
        if size > self._store.most_bytes:
            self._too_large = min(self._too_large, prefix.length)
            self._fail("saved", f"a file of {size >> 20} MiB is larger than --prompt-cache-size")
            return
        files.add(name, prefix, tokens)
        self.counts.saved += 1
        self.counts.saved_bytes += size
        self.fault = ""
        logger.info("%s: a prompt of %d tokens was saved to disk, %.1f MiB", self._name, tokens, size / 2**20)

    def _fail(self, what: str, why: object) -> None:
        self.counts.failures += 1
        text = why.message if isinstance(why, Refusal) else str(why) or type(why).__name__
        self.fault = f"a prompt could not be {what}: {text}"
        logger.warning("%s: %s. The request is answered without it.", self._name, self.fault.rstrip("."))

    async def _slots(self) -> list[Slot]:
        async def read() -> list[Slot]:
            return read_slots(await (await self._ask("GET", "/slots", b"")).json())

        return await asyncio.wait_for(read(), _SECONDS)

    async def _act(self, slot: Slot, action: str, file: str) -> tuple[int, Mapping[str, Any]]:
        async def act() -> tuple[int, Mapping[str, Any]]:
            body = json.dumps({"filename": file}).encode()
            response = await self._ask("POST", f"/slots/{slot.id}?action={action}", body)
            data = await response.read()
            return response.status, json.loads(data) if response.status == 200 else error_in(data)

        return await asyncio.wait_for(act(), _SECONDS)


def _bytes_per_byte(files: ModelFiles) -> float:
    """Return about how many bytes of a file there are for one of a prompt."""
    entries = files.entries()
    return sum(each.size for each in entries) / sum(each.length for each in entries) if entries else 0.0
