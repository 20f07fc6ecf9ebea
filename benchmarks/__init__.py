"""Measurements: speed compared with llama.cpp's own programs, and memory over a long time."""
