"""A TCP proxy in front of one member's peer port, which makes the network between members slow and lossy.

usage: proxy.py LISTEN_ADDRESS:PORT TARGET_ADDRESS:PORT

Reads rules from its standard input, one JSON object a line: {"<source address>": [delay_s, jitter_s, loss]}, "*"
for every source; {} is no fault. Bytes of a connection from that source are held back, in both directions, by delay
+- jitter (uniform), and keep their order. A lost segment is what it is to a TCP user: with probability `loss` a
piece comes a retransmission timeout later, and all behind it wait.
"""
import asyncio
import json
import random
import sys

RETRANSMISSION_S = 0.2  # Linux's shortest retransmission timeout
PIECE = 16384
WAITING_MAX = 1024  # pieces that one direction holds; then it reads no more

rules = {}


def hold(source):
    """For how long the next piece is held back."""
    delay, jitter, loss = rules.get(source) or rules.get("*") or (0, 0, 0)
    wait = delay + random.uniform(-jitter, jitter) if delay else 0
    while loss and random.random() < loss:
        wait += RETRANSMISSION_S
    return max(wait, 0)


async def pour(reader, writer, source):
    """One direction of a connection."""
    loop = asyncio.get_running_loop()
    queue = asyncio.Queue(WAITING_MAX)

    async def drain():
        while True:
            due, piece = await queue.get()
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            if not piece:
                break
            writer.write(piece)
            await writer.drain()
        writer.close()

    task = asyncio.ensure_future(drain())
    try:
        while True:
            piece = await reader.read(PIECE)
            await queue.put((loop.time() + hold(source), piece))
            if not piece:
                break
        await task
    except (ConnectionError, OSError):
        task.cancel()
        writer.close()


async def serve(target, reader, writer):
    source = writer.get_extra_info("peername")[0]
    try:
        to_reader, to_writer = await asyncio.open_connection(*target)
    except OSError:
        writer.close()
        return
    await asyncio.gather(pour(reader, to_writer, source), pour(to_reader, writer, source))


async def listen_to_orders():
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        rules.clear()
        rules.update(json.loads(line))


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


async def main():
    target = address(sys.argv[2])
    server = await asyncio.start_server(lambda r, w: serve(target, r, w), *address(sys.argv[1]))
    async with server:
        await listen_to_orders()  # until the recorder ends


asyncio.run(main())
