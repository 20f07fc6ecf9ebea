"""Which hardware is used, and why. So far the CPU, in the best of its levels."""
