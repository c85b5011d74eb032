#!/usr/bin/env python3
"""What tests/bench/nn measures, by PyTorch on one thread: the same names and units.

usage: nn_torch.py [SECONDS]     (any interpreter that has PyTorch; exit status 3 where there is none)
"""
import sys
import time

try:
    import torch
    from torch import nn
except ImportError:
    sys.exit(3)


class Predictor(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.LSTM(4, 128, batch_first=True), nn.LSTM(128, 64, batch_first=True)
        self.head = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, x):
        return self.head(self.second(self.first(x)[0])[0][:, -1])


def rate(run, seconds):
    """Calls in a second of CPU time of this thread: the median turn of a tenth of a second."""
    run()
    turns = []
    for _ in range(max(3, int(seconds * 10))):
        start, n = time.thread_time(), 0
        while time.thread_time() - start < 0.1:
            run()
            n += 1
        turns.append(n / (time.thread_time() - start))
    return sorted(turns)[len(turns) // 2]


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1
    torch.set_num_threads(1)
    torch.manual_seed(42)
    model = Predictor()
    many, one = torch.randn(256, 10, 4), torch.randn(1, 10, 4)
    batch, target = torch.randn(64, 10, 4), torch.randn(64, 1)
    with torch.inference_mode():
        print(f"served_256 {256 * rate(lambda: model(many), seconds):.0f}")
        single = rate(lambda: model(one), seconds)
        print(f"served_1 {single:.0f}\none_ms {1e3 / single:.4f}")
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)

    def train():
        optimiser.zero_grad()
        nn.functional.mse_loss(model(batch), target).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()

    print(f"trained {64 * rate(train, seconds):.0f}\ntorch {torch.__version__}")


main()
