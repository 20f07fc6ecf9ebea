"""llamapack serve's web page: llama.cpp's own chat page, whose files are in `static/` if the wheel was made with it.

files    the files of the page, as they are sent: compressed, or not
policy   what the page may do in a browser
serving  answers a request for one of them
"""

from __future__ import annotations

from llamapack.server.page.files import PageFile, page_files
from llamapack.server.page.serving import Page

__all__ = ["Page", "PageFile", "page_files"]
