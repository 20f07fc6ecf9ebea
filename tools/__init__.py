"""The developers' library: functions that return data and print nothing. Nox and Invoke call it."""
