"""`llamapack serve`: a model for OpenAI's, Anthropic's, Ollama's and llama.cpp's clients, behind a supervisor.

Importing this imports neither starlette nor uvicorn: `running` does.

settings     where to listen, who may ask, and how much: what the server is told
extra        the packages that it needs, and what to do if they are missing
refusal      why a request gets no answer, in the shape of each API
routes       which routes there are
guard        who may ask: `Host`, `Origin`, the token
bodies       bodies of requests, read within limits
line         requests that wait for a slot
sockets      the socket to listen at, and connections to runners
media        images and audio in requests, checked
keeper       keeps a model's runner going
metrics      counts, for Prometheus
status       what the server says of itself
exchange     one request and its answer
proxy        requests passed to a runner, and its answers passed back
ollama       Ollama's interface, translated into llama.cpp's
app          all of that as an ASGI application
connections  connections of clients, by uvicorn, with limits
running      runs it until a signal ends it
"""

from __future__ import annotations

from llamapack.server.extra import require_extra
from llamapack.server.settings import Limits, ModelSettings, Settings, is_loopback

__all__ = ["Limits", "ModelSettings", "Settings", "is_loopback", "require_extra"]
