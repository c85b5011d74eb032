"""How a test says what it demands, at once or in time."""
import time


class Failure(Exception):
    pass


def require(condition, text):
    if not condition:
        raise Failure(text)


def eventually(seconds, condition, text):
    """Wait until condition() is true, and return what it gave; what raises Failure, or does not answer, is not so yet."""
    deadline = time.monotonic() + seconds
    while True:
        last = text
        try:
            found = condition()
            if found:
                return found
        except (Failure, OSError) as failure:
            last = f"{text} ({failure})"
        require(time.monotonic() < deadline, f"not within {seconds:.0f} s: {last}")
        time.sleep(0.1)
