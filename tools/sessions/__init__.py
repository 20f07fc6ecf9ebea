"""What Nox sessions do beyond ten lines; the only room that imports nox.

common          What Nox sessions share: one message for a failure, environments that are filled once, and a place for t
cpu_levels      Prove one CPU level in the ways that this machine has: run it, emulate it, or look into its library.
plugins         Prove a plug-in: look into its wheel, install it with the core in a clean environment, and run it on a d
rocm_and_metal  Prove the ROCm and the Metal plug-in: on their devices, or where there are none as far as it goes withou
"""

__all__ = ["common", "cpu_levels", "plugins", "rocm_and_metal"]
