"""What is measured, not tested: speed against llama.cpp's own programs, and memory over a long time."""
