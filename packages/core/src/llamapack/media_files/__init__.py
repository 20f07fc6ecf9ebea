"""Images and audio that a caller gives: read, checked against limits, and as files that llama.cpp decodes.

images  Images of all kinds as files that llama.cpp decodes.
audio    Audio of all kinds as files that llama.cpp decodes.
sources   What a caller may give: paths, bytes, addresses, and objects of other packages.
fetching  Get a file from a web server, with limits.
decoding  Decode the bytes of a file in llama.cpp, with its assertions caught.
limits    How large they may be.
kinds     Recognise what kind of file it is by its first bytes.
checks    What the file of an image says of itself, checked before it is decoded.
headers   What the header of an image says, before any pixel is decoded.
png       What the header and the blocks of a PNG file say.
jpeg      What the segments of a JPEG file say.
bitmaps   What the headers of BMP and GIF files say.
exif      How an image must be turned, as a camera notes it.
pixels    Images as arrays: decoded, turned, and written as PNG.
wav       WAV files, read and written.
mp3       How long an MP3 file is.
flac      How long a FLAC file is.
"""

from __future__ import annotations

from llamapack.media_files.limits import MediaLimits

__all__ = ["MediaLimits"]
