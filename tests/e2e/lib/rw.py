"""Remote-write requests made by hand, good and bad: protobuf and snappy without a library for either."""
import struct

STALE_BITS = 0x7FF0000000000002
HEADERS_1 = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
             "X-Prometheus-Remote-Write-Version": "0.1.0", "User-Agent": "auspex-e2e"}
HEADERS_2 = {**HEADERS_1, "Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request",
             "X-Prometheus-Remote-Write-Version": "2.0.0"}


def varint(n):
    n &= (1 << 64) - 1
    out = bytearray()
    while True:
        out.append(n & 0x7F | (0x80 if n > 0x7F else 0))
        n >>= 7
        if not n:
            return bytes(out)


def message(number, payload):
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def text(number, value):
    return message(number, value if isinstance(value, bytes) else value.encode())


def sample(value, t_ms):
    return b"\x09" + struct.pack("<d", value) + b"\x10" + varint(t_ms)


def series_1(labels, samples):
    """A TimeSeries of 1.0; labels is a list of pairs of str or bytes, in the order given."""
    body = b"".join(message(1, text(1, k) + text(2, v)) for k, v in labels)
    return body + b"".join(message(2, sample(v, t)) for v, t in samples)


def request_1(*series):
    return b"".join(message(1, s) for s in series)


def request_2(symbols, series):
    """A Request of 2.0; series is a list of (labels_refs, samples)."""
    body = b"".join(text(4, s) for s in symbols)
    for refs, samples in series:
        body += message(5, message(1, b"".join(map(varint, refs))) + b"".join(message(2, sample(v, t))
                                                                              for v, t in samples))
    return body


def snappy(data):
    """The block format, literals only."""
    out = bytearray(varint(len(data)))
    for start in range(0, len(data), 65536):
        piece = data[start:start + 65536]
        if len(piece) <= 60:
            out.append(len(piece) - 1 << 2)
        else:
            out += b"\xf4" + struct.pack("<H", len(piece) - 1)
        out += piece
    return bytes(out)
