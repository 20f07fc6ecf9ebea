"""llama.cpp's server in a process of its own, which may crash: requests as to an engine, by HTTP on this machine.

program        where llamapack-runner is
configuration  what a runner is told: options, libraries, where to listen
child          one process of it: started, watched, ended
log            what it logs, for the logger and for errors
answers        answers of HTTP out of bytes, however they come
connection     the address, and requests to it as bytes
response       the answer of one request, taken by one thread
aio            the same for asyncio
needs          what memory a model will take
memory         whether there is so much, beside other runners
runner         Runner: a model in such a process, which is started again if it ends
"""

from __future__ import annotations

from llamapack.runner.program import runner_path
from llamapack.runner.runner import Runner

__all__ = ["Runner", "runner_path"]
