"""llama.cpp's own tests of its server: how each ends with llama-server, with the runner, and with `llamapack serve`.

suite     Take the tests of the pinned llama.cpp, into a folder of their own.
reports   Read how the tests of a run ended.
expected  Which tests do not pass, with the reason for each: expected.toml; and what differs from that.
page      The page docs/reference/server-tests.md, written from expected.toml and the reports.
"""

__all__ = ["expected", "page", "reports", "suite"]
