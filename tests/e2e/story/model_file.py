"""Reads and writes model files (src/nn/model_file.h), so that a test can spoil one."""
import struct

HEAD = 28
_TABLE = []
for _i in range(256):
    for _ in range(8):
        _i = _i >> 1 ^ (0x82F63B78 if _i & 1 else 0)
    _TABLE.append(_i)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _string(data, at):
    n, at = _varint(data, at)
    return data[at:at + n], at + n


def tensors(data):
    """(name, place of its first float, how many) of each tensor."""
    found, at = [], HEAD
    pairs, at = _varint(data, at)
    for _ in range(2 * pairs):
        _, at = _string(data, at)
    n, at = _varint(data, at)
    for _ in range(n):
        name, at = _string(data, at)
        rows, cols = struct.unpack_from("<II", data, at)
        found.append((name.decode(), at + 8, rows * cols))
        at += 8 + 4 * rows * cols
    return found


def sealed(data):
    """The same with the sums of its body and head made anew."""
    data = bytearray(data)
    struct.pack_into("<II", data, 16, len(data) - HEAD, crc32c(data[HEAD:]))
    struct.pack_into("<I", data, 24, crc32c(data[:24]))
    return bytes(data)


def with_last_layer_times(data, factor):
    """The same network, of which all outputs are so many times as large."""
    if sealed(data) != data:
        raise ValueError("not the model file that this reads")
    all_tensors = tensors(data)
    last = max(int(name.split(".")[0]) for name, _, _ in all_tensors)
    out = bytearray(data)
    for name, at, n in all_tensors:
        if int(name.split(".")[0]) == last:
            values = struct.unpack_from(f"<{n}f", data, at)
            struct.pack_into(f"<{n}f", out, at, *(factor * v for v in values))
    return sealed(out)
