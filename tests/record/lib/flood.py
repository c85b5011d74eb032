"""A sender that nobody asked for: datagrams to a host, so many bytes a second, until it is killed.

usage: flood.py ADDRESS BYTES_A_SECOND
"""
import socket
import sys
import time

PACKET = 1400
ROUND_S = 0.02


def main():
    target, each = (sys.argv[1], 9), int(float(sys.argv[2]) * ROUND_S / PACKET)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    due = time.monotonic()
    while True:
        for _ in range(each):
            try:
                s.sendto(bytes(PACKET), target)
            except OSError:
                pass  # nobody listens, and says so
        due += ROUND_S
        time.sleep(max(due - time.monotonic(), 0))


main()
