"""Image files of every depth and order of bytes, from arrays: what Pillow cannot write."""

import struct
import zlib

import numpy as np

SHORT, LONG = 3, 4
SIZES = {SHORT: 2, LONG: 4}


def png(values, colour, *, key=None):
    """Return a PNG file of 16 bits; `colour` is 0 grey, 2 colour, 4 grey and 6 colour with alpha.

    `values` uint16 (height, width, channels); `key` is the value that is transparent.
    """

    def chunk(kind, body):
        check = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)

    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)),
            chunk(b"tRNS", np.asarray(key).astype(">u2").tobytes()) if key is not None else b"",
            chunk(b"IDAT", zlib.compress(rows)),
            chunk(b"IEND", b""),
        ]
    )


def tiff(values, *, order="<", photometric=1, extra=None, planes=False, deflate=False):
    """Return a TIFF file of an array (height, width) or (height, width, channels).

    The type of `values` is that of the file; `photometric` is 0 where white is zero, 1 for grey, 2
    for colour; `extra` is 2 for alpha; `planes` puts the channels one after the other.
    """
    values = values[..., None] if values.ndim == 2 else values
    height, width, channels = values.shape
    body = values.astype(values.dtype.newbyteorder(order))
    strips = [body[..., i].tobytes() for i in range(channels)] if planes else [body.tobytes()]
    strips = [zlib.compress(strip) for strip in strips] if deflate else strips
    kind = {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    tags = {
        256: (LONG, [width]),
        257: (LONG, [height]),
        258: (SHORT, [values.dtype.itemsize * 8] * channels),
        259: (SHORT, [8 if deflate else 1]),
        262: (SHORT, [photometric]),
        273: (LONG, [0] * len(strips)),
        277: (SHORT, [channels]),
        278: (LONG, [height]),
        279: (LONG, [len(strip) for strip in strips]),
        284: (SHORT, [2 if planes else 1]),
        **({338: (SHORT, [extra])} if extra is not None else {}),
        339: (SHORT, [kind] * channels),
    }
    end = 8 + 2 + 12 * len(tags) + 4
    after = end + sum(
        size for size in (SIZES[kind] * len(held) for kind, held in tags.values()) if size > 4
    )
    starts = np.cumsum([after, *map(len, strips)])[:-1].tolist()
    tags[273] = (LONG, starts)
    entries, beyond = b"", b""
    for tag, (kind, held) in sorted(tags.items()):
        raw = struct.pack(f"{order}{len(held)}{'H' if kind == SHORT else 'I'}", *held)
        entries += struct.pack(f"{order}HHI", tag, kind, len(held))
        if len(raw) > 4:
            entries += struct.pack(f"{order}I", end + len(beyond))
            beyond += raw
        else:
            entries += raw.ljust(4, b"\0")
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HIH", 42, 8, len(tags))
    return head + entries + b"\0\0\0\0" + beyond + b"".join(strips)
