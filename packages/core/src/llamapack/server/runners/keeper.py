"""Keeps the runner of one model going: starts it, watches it, and starts it again with growing pauses."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Literal, Protocol

from llamapack.backends.children.exit_status import describe_end
from llamapack.diagnostics.faults import record_fault
from llamapack.errors import LlamapackError, RunnerError
from llamapack.runner.aio import AsyncRunnerResponse
from llamapack.runner.child import Child, Report, part_of
from llamapack.runner.configuration import Wanted, wanted_of
from llamapack.runner.needs import Need, read_needs
from llamapack.server.media import check_media
from llamapack.server.prompt_cache import PromptCache, Store
from llamapack.server.refusal import Refusal
from llamapack.server.runners.asking import GoneError, RunnerRequest, send
from llamapack.server.runners.line import Line
from llamapack.server.runners.recovery import FaultKind, Outlook, Recovery, kind_of
from llamapack.server.settings import ModelSettings, Settings

State = Literal["unloaded", "failed", "loading", "ready", "ended", "waiting"]
logger = logging.getLogger("llamapack.server")

_LOOK_SECONDS = 0.2
_ASK_SECONDS = 5.0
_LONGEST_PAUSE = 60.0
_WELL_SECONDS = 60.0
"""A runner that was ready for so long was well: what comes after is a new fault."""
_LOADING_RETRY = 2.0
_QUICK_AT_ONCE = 16
_ATTEMPTS = 3
_PROPERTIES = RunnerRequest(method="GET", path="/props")
_DEFAULTS: Mapping[str, object] = {"metrics": True, "kv_unified": True}


class NotReady(Refusal):
    """There is no runner now; nothing of the request was sent."""


Measure = Callable[[], Awaitable[Sequence[Need]]]


class Admission(Protocol):
    """Lets models be loaded where there is room for them."""

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Wait until no other model is being loaded; none is until the block ends."""

    async def make_room(self, keeper: Keeper, measure: Measure) -> None:
        """Wait until what `measure` returns fits; raises ModelMemoryError if that takes too long."""


class Keeper:
    """One model: its runner, if there is one, and the line of requests before it."""

    def __init__(
        self,
        model: ModelSettings,
        settings: Settings,
        admission: Admission | None = None,
        store: Store | None = None,
    ) -> None:
        """Begin without a runner; `start` starts it. Without `admission`, the model may take what it wants.

        `store` has beginnings of prompts on disk.
        """
        self.model = model
        self.watchers: list[Callable[[Keeper], None]] = []
        """Called when `state` was set."""
        self._state: State = "unloaded"
        self.prompts = PromptCache(model.name, store, self.ask)
        self.progress = 0.0
        self.restarts = 0
        self.reason = ""
        """Why the last runner ended, or was not loaded; with the end of its log."""
        self.kind: FaultKind | None = None
        """What kind of fault that was."""
        self.needs: Sequence[Need] = ()
        """What the model takes of each memory, as far as it was measured."""
        self.recovery = Recovery(model)
        limits = settings.limits
        self.slots = Line(limits.waiting, limits.waiting_seconds)
        self.quick = Line(limits.waiting, limits.waiting_seconds)
        self.takes_media = False
        """Whether the model reads images or audio."""
        self._checking = asyncio.Lock()
        self._most_media = limits.media
        self._hang_seconds = settings.hang_seconds
        self._load_seconds = settings.load_seconds
        self._admission = admission
        self._wanted: Wanted | None = None
        self._child: Child | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = self._was_ready = False
        self._next_start = self._last_step = 0.0
        self._ends: dict[Child, asyncio.Task[LlamapackError]] = {}

    @property
    def state(self) -> State:
        """What the model is doing."""
        return self._state

    @state.setter
    def state(self, state: State) -> None:
        self._state = state
        for tell in self.watchers:
            tell(self)

    @property
    def pid(self) -> int | None:
        """The process of the runner; None while there is none."""
        child = self._child
        return child.process.pid if child is not None and child.process.poll() is None else None

    @property
    def running(self) -> bool:
        """Whether it has a runner, or is about to; no longer once that is being ended."""
        return self._task is not None and not self._task.done() and not self._stopping

    def start(self) -> asyncio.Task[None]:
        """Keep a runner from now on. The task raises what the first one raises if it cannot load the model."""
        if self._task is None or self._task.done():
            self.state = "loading"
            self._hold()
            self._stopping = False
            self._task = asyncio.create_task(self._run())
            self._task.add_done_callback(_look_at)
        return self._task

    async def stop(self) -> None:
        """End the runner, which gives back its memory. Requests under way are refused."""
        if self._task is None or self._task.done():
            return
        if not self._stopping:
            self._stopping = True
            self._task.cancel()
        await asyncio.wait({self._task})

    async def _run(self) -> None:
        faults = 0
        self._was_ready = False
        try:
            while True:
                try:
                    child = await self._load()
                except LlamapackError as error:
                    if self._child is not None:
                        await asyncio.to_thread(self._child.end)
                    then = self._note(error, kind_of(error))
                    if then == "futile" and not self._was_ready:
                        self._fail()
                        raise
                else:
                    began = time.monotonic()
                    fault, kind = await self._watch(child)
                    if time.monotonic() - began > _WELL_SECONDS:
                        faults = 0
                        self.recovery.forget()
                    then = self._note(fault, kind)
                faults = 0 if then == "changed" else faults
                await self._pause(faults)
                faults += 1
                self.restarts += 1
        finally:
            self._stopping = True
            if self.state == "ready":
                self._hold()
                with contextlib.suppress(asyncio.CancelledError):  # it is stopped again
                    await self.prompts.finish()
            if self.state != "failed":
                self.state = "unloaded"
                self._refuse(self._not_ready)
            if self._child is not None:
                await asyncio.shield(asyncio.to_thread(self._child.end))

    async def answer(self, request: RunnerRequest, take: Callable[[AsyncRunnerResponse], Awaitable[None]]) -> None:
        """Wait for a place, send a request, and give its answer to `take`; raises Refusal."""
        line = self.slots if request.uses_slot else self.quick
        for attempt in range(_ATTEMPTS):
            try:
                async with line.place():
                    await self._check(request)
                    use = await self.prompts.before(request.path, request.body) if request.uses_slot else None
                    response = await self._ask(request)
                    try:
                        await take(response)
                    finally:
                        response.close()
                    self.prompts.after(use)
                return
            except NotReady:  # it has just ended: to wait in the line again is to wait for the next one
                if attempt == _ATTEMPTS - 1:
                    raise
            except LlamapackError as error:
                raise self.refusal_of(error) from error

    async def _check(self, request: RunnerRequest) -> None:
        """Check images and audio in a request; only one at a time, for it takes a processor and memory."""
        if self.takes_media and request.body and not request.content_type.startswith("multipart/"):
            async with self._checking:
                await asyncio.to_thread(check_media, request.body, self._most_media)

    async def ask(self, method: str, path: str, body: bytes = b"") -> AsyncRunnerResponse:
        """Ask the runner, and return its answer when the status is known; raises NotReady."""
        return await self._ask(RunnerRequest(method=method, path=path, body=body))

    async def _ask(self, request: RunnerRequest) -> AsyncRunnerResponse:
        child = self._child
        if child is None or self.state != "ready":
            raise self._not_ready()
        return await self._send(child, request)

    async def _send(self, child: Child, request: RunnerRequest) -> AsyncRunnerResponse:
        async def lost() -> LlamapackError:
            return await self._end_of(child)

        try:
            return await send(child, request, lost)
        except GoneError as error:
            raise self._not_ready() from error

    def refusal_of(self, error: LlamapackError) -> Refusal:
        """Return what a client is told whose request ended with the runner."""
        how = describe_end(error.status) if isinstance(error, RunnerError) else "was ended"
        what = f"The process of {self.model.name} {how} while it worked on this request. It is started again."
        return Refusal(503, "model_process_ended", what, retry_after=max(1.0, self._until_start()))

    async def _load(self) -> Child:
        self.state, self.progress = "loading", 0.0
        self._hold()
        async with nullcontext() if self._admission is None else self._admission.turn():
            child = await asyncio.to_thread(self._start)
            self._child, self._last_step = child, time.monotonic()
            if self._stopping:
                raise asyncio.CancelledError
            if self._admission is not None:
                await self._admission.make_room(self, self._measurer(child))
                child.proceed()
                self._last_step = time.monotonic()
            await asyncio.to_thread(child.load, self._tell, self._stop_loading)
        if not child.ready:
            raise await self._end_of(child, doing="loading the model")
        for line in child.log.release():
            logger.warning("%s: %s", self.model.name, line)
        try:
            properties = await (await self._send(child, _PROPERTIES)).json()
        except NotReady as refusal:
            raise await self._end_of(child) from refusal
        self.takes_media = any(properties.get("modalities", {}).values())
        self.prompts.loaded(can_roll_back=child.can_roll_back, slots=int(properties["total_slots"]))
        self.state, self._was_ready = "ready", True
        self.slots.open(int(properties["total_slots"]))
        self.quick.open(_QUICK_AT_ONCE)
        logger.info("%s is ready: process %d, %d slots", self.model.name, child.process.pid, properties["total_slots"])
        return child

    def _start(self) -> Child:
        """Start a process; in a thread, because backends are probed."""
        options = {**_DEFAULTS, "alias": self.model.name, **self.recovery.options}
        self._wanted = None
        self._wanted = wanted_of(self.model.path, options, **self.recovery.hardware)
        return Child(self.prompts.prepare(self._wanted), ask=self._admission is not None)

    def _measurer(self, child: Child) -> Measure:
        """Return what asks the runner which memory the model will take, and how much is free now."""
        asked = False

        async def measure() -> Sequence[Need]:
            nonlocal asked
            report = await asyncio.to_thread(child.measure, self._stop_loading, again=asked)
            asked, self._last_step = True, time.monotonic()
            self.needs = read_needs(None if report is None else report["devices"])
            return self.needs

        return measure

    def _tell(self, report: Report) -> bool:
        self._last_step = time.monotonic()
        self.progress = part_of(report)
        return not self._stopping

    def _stop_loading(self) -> bool:
        return self._stopping or time.monotonic() - self._last_step > self._load_seconds

    async def _watch(self, child: Child) -> tuple[LlamapackError, FaultKind]:
        """Return when the runner has ended, or had to be ended; the reason is for people who keep the server."""
        tasks = [asyncio.ensure_future(each) for each in (self._ended(child), self._hung(child))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
        if tasks[1] in done:
            await asyncio.to_thread(child.process.kill)
        error = await self._end_of(child)
        await asyncio.to_thread(child.end)
        hung = tasks[1] in done
        if hung:
            what = f"The process of {self.model.name} gave no sign of life for {self._hang_seconds:g} seconds."
            error = RunnerError(what, status=None, log=child.log.last, why=error.why)
        return error, kind_of(error, hung=hung)

    async def _ended(self, child: Child) -> None:
        while child.usable and child not in self._ends:
            await asyncio.sleep(_LOOK_SECONDS)

    async def _hung(self, child: Child) -> None:
        while True:
            await asyncio.sleep(min(_ASK_SECONDS, self._hang_seconds))
            try:
                await asyncio.wait_for(self._look(), self._hang_seconds)
            except asyncio.TimeoutError:
                return
            except (LlamapackError, NotReady):
                await asyncio.sleep(_LOOK_SECONDS)  # it has ended, which is noticed elsewhere

    async def _look(self) -> None:
        await (await self.ask("GET", "/health")).read()

    def _end_of(self, child: Child, doing: str = "working on requests") -> Awaitable[LlamapackError]:
        """Return why a runner does not answer any more: the same error for all who ask. New requests wait from now."""
        if child not in self._ends:
            if self.state == "ready":
                self.state = "ended"
                self._hold()
            self._ends[child] = asyncio.ensure_future(asyncio.to_thread(child.why_gone, doing))
        return asyncio.shield(self._ends[child])

    def _note(self, error: LlamapackError, kind: FaultKind) -> Outlook:
        """Keep why a runner ended, change what may mend it, and return what to expect of the next one."""
        self.kind = kind
        self.reason = "\n".join(part for part in (error.what, error.why) if part)
        logger.error("%s", self.reason)
        record_fault(self.model.name, kind, error.what, error.why)
        self._ends.clear()
        return self.recovery.after(kind, self._wanted)

    def _fail(self) -> None:
        self.state = "failed"
        self._refuse(self._not_ready)

    async def _pause(self, faults: int) -> None:
        pause = min(_LONGEST_PAUSE, 2.0 ** (faults - 1)) if faults else 0.0
        if pause:
            self.state = "waiting"
            self._next_start = time.monotonic() + pause
            logger.warning("%s is started again in %g seconds", self.model.name, pause)
            self._refuse(self._not_ready)
            await asyncio.sleep(pause)
        else:
            logger.warning("%s is started again", self.model.name)

    def _why_failed(self) -> str:
        if self.kind == "memory":
            return f"There is not enough memory for {self.model.name} now; the log of the server says more."
        return f"{self.model.name} cannot be loaded; the log of the server says why."

    def _until_start(self) -> float:
        return max(0.0, self._next_start - time.monotonic()) if self.state == "waiting" else _LOADING_RETRY

    def _not_ready(self) -> NotReady:
        what = {
            "loading": f"{self.model.name} is being loaded.",
            "waiting": f"{self.model.name} has failed, and is started again in {self._until_start():.0f} seconds.",
            "ready": f"{self.model.name} cannot be reached.",
            "ended": f"{self.model.name} has just ended, and is started again.",
            "unloaded": f"{self.model.name} has been unloaded.",
            "failed": self._why_failed(),
        }[self.state]
        return NotReady(503, "model_not_ready", what, retry_after=self._until_start())

    def _hold(self) -> None:
        for line in (self.slots, self.quick):
            line.hold()

    def _refuse(self, why: Callable[[], Refusal]) -> None:
        for line in (self.slots, self.quick):
            line.refuse(why)


def _look_at(task: asyncio.Task[None]) -> None:
    """Look at how a task ended, so that asyncio does not complain: requests were told, and so was the log."""
    if not task.cancelled():
        task.exception()
