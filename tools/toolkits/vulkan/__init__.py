"""The kit for Vulkan: headers that are new enough, a shader compiler, and the loader to link with.

kit             The kit itself: headers, shader compiler, licences.
loader          A library to link with in place of another target's Vulkan loader, made from the headers.
another_target  What a build for another target than this machine gets besides.
"""

from tools.toolkits.vulkan.kit import vulkan_kit

__all__ = ["vulkan_kit"]
