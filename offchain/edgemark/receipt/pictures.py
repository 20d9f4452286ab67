"""Small grey images inside a page, as PNG (ISO/IEC 15948): no file beside it, no library."""

from __future__ import annotations

import base64
import struct
import zlib
from html import escape

from edgemark.receipt.exhibits import Image
from edgemark.words import printable

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def show_image(image: Image, words: str) -> str:
    """An `img` element that holds the image itself.

    Args:
        image: at least one pixel.
        words: what there is to see, for those who do not see it.
    """
    encoded = base64.b64encode(encode_png(image)).decode()
    alt = escape(printable(words))
    return f'<img class="pixels" alt="{alt}" src="data:image/png;base64,{encoded}">'


def encode_png(image: Image) -> bytes:
    """The image as an 8-bit greyscale PNG."""
    width, height = len(image.rows[0]), len(image.rows)
    lines = b"".join(b"\0" + bytes(row) for row in image.rows)  # filter 0: as it is
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
