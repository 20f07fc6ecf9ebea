"""The developers' library: its functions return data, log long steps, and print nothing. Nox and Invoke call it."""
