#!/usr/bin/env python3
"""Golden vectors of src/nn from PyTorch: what comes out, the loss, the gradients, and the weights after three steps
of Adam with L2 and clipping. All in double, from weights and inputs that a float holds exactly.

usage: generate.py > vectors.h      (Debian: python3-torch; any interpreter that has PyTorch)
"""
import numpy as np
import torch
from torch import nn

ROWS, STEPS, FEATURES = 5, 4, 3
ACTS = {"identity": nn.Identity, "relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
QUANTILES = (0.1, 0.5)

CASES = {
    "dense": ([("dense", 6, "relu"), ("dense", 5, "tanh"), ("dense", 4, "sigmoid"), ("last",),
               ("dense", 2, "identity")], "mse"),
    "lstm": ([("lstm", 5), ("lstm", 4), ("last",), ("dense", 2, "identity")], "huber"),
    "one_lstm": ([("lstm", 18), ("last",), ("dense", 2, "identity")], "mse"),
    "layer_norm": ([("dense", 6, "identity"), ("layer_norm",), ("last",), ("dense", 2, "identity")], "mse"),
    "batch_norm": ([("dense", 4, "identity"), ("batch_norm",), ("last",), ("dense", 2, "identity")], "mse"),
    "attention": ([("dense", 6, "identity"), ("attention", 2), ("attention", 3), ("last",),
                   ("dense", 2, "identity")], "pinball"),
}


class Last(nn.Module):
    def forward(self, x):
        return x[:, -1:]


class Lstm(nn.LSTM):
    """One bias for each gate: the second one stays zero."""

    def __init__(self, width, units):
        super().__init__(width, units, batch_first=True)
        self.bias_hh_l0.requires_grad_(False)

    def forward(self, x):
        return super().forward(x)[0]


class Attention(nn.MultiheadAttention):
    def __init__(self, width, heads):
        super().__init__(width, heads, batch_first=True)

    def forward(self, x):
        return super().forward(x, x, x, need_weights=False)[0]


class BatchNorm(nn.BatchNorm1d):
    def forward(self, x):
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


def model_of(spec):
    layers, width = [], FEATURES
    for kind, *rest in spec:
        if kind == "dense":
            layers += [nn.Linear(width, rest[0]), ACTS[rest[1]]()]
            width = rest[0]
        elif kind == "lstm":
            layers.append(Lstm(width, rest[0]))
            width = rest[0]
        elif kind == "last":
            layers.append(Last())
        elif kind == "layer_norm":
            layers.append(nn.LayerNorm(width))
        elif kind == "batch_norm":
            layers.append(BatchNorm(width))
        elif kind == "attention":
            layers.append(Attention(width, rest[0]))
    return nn.Sequential(*layers).double()


def learnt(model):
    """Parameters in the order of src/nn."""
    for layer in model:
        own = dict(layer.named_parameters())
        names = {Lstm: ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0"],
                 Attention: ["in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"]}
        yield from (own[name] for name in names.get(type(layer), own))


def flat(tensors):
    return np.concatenate([t.detach().numpy().ravel() for t in tensors]) if tensors else np.zeros(0)


def running(model):
    return flat([b for layer in model if isinstance(layer, BatchNorm)
                 for b in (layer.running_mean, layer.running_var)])


def loss_of(kind, y, target):
    if kind == "mse":
        return nn.functional.mse_loss(y, target)
    if kind == "huber":
        return nn.functional.huber_loss(y, target, delta=0.5)
    d, q = y - target, torch.tensor(QUANTILES, dtype=torch.double)
    return torch.maximum((1 - q) * d, -q * d).mean()


def array(name, values, digits=7):
    print(f"static const double {name}[{max(len(values), 1)}] = {{")
    for i in range(0, len(values), 16):
        print("    " + " ".join(f"{v:.{digits}g}," for v in map(float, values[i:i + 16])))
    print("    0\n};" if len(values) == 0 else "};")


def uniform(rng, *shape):
    return torch.tensor(np.float32(rng.uniform(-1, 1, shape)), dtype=torch.double)


def case(name, spec, loss_kind, seed):
    rng = np.random.RandomState(seed)
    model = model_of(spec)
    with torch.no_grad():
        for p in learnt(model):
            p.copy_(uniform(rng, *p.shape))
        for layer in model:
            if isinstance(layer, Lstm):
                layer.bias_hh_l0.zero_()
    x, target = uniform(rng, ROWS, STEPS, FEATURES), uniform(rng, ROWS, 2)
    array(f"{name}_weights", flat(list(learnt(model))), 9)
    array(f"{name}_x", flat([x]), 9)
    array(f"{name}_target", flat([target]), 9)
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.01, weight_decay=0.001)
    x.requires_grad_(True)
    losses = []
    for step in range(3):
        optimiser.zero_grad()
        y = model(x)[:, 0]
        loss = loss_of(loss_kind, y, target)
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            array(f"{name}_y", flat([y]))
            array(f"{name}_gradient", flat([p.grad for p in learnt(model)]))
            array(f"{name}_x_gradient", flat([x.grad]))
        nn.utils.clip_grad_norm_(model.parameters(), 0.3)
        optimiser.step()
    model.eval()
    array(f"{name}_losses", losses)
    array(f"{name}_after", flat(list(learnt(model))))
    array(f"{name}_states_after", running(model))
    array(f"{name}_served_after", flat([model(x)[:, 0]]))


def in_c(name, spec, loss_kind):
    """The row of a case in the table of struct golden, which the test defines."""
    layers = []
    for kind, *rest in spec:
        said = {"dense": ".units = {}, .act = AX_NN_{}", "lstm": ".units = {}", "attention": ".heads = {}"}.get(kind, "")
        said = said.format(*(str(r).upper() for r in rest))
        layers.append(f"{{.kind = AX_NN_{kind.upper()}{', ' if said else ''}{said}}}")
    loss = {"mse": "", "huber": ", .delta = 0.5f", "pinball": ", .quantiles = quantiles"}[loss_kind]
    arrays = ["weights", "x", "target", "y", "gradient", "x_gradient", "losses", "after", "states_after", "served_after"]
    print(f'    {{"{name}", {{{", ".join(layers)}}}, {len(layers)}, {{.kind = AX_NN_{loss_kind.upper()}{loss}}},\n'
          f"     sizeof {name}_weights / sizeof(double), {', '.join(f'{name}_{a}' for a in arrays)}}},")


def main():
    print(f"/* vectors.h: generated by generate.py with PyTorch {torch.__version__.split('+')[0]}, "
          f"numpy {np.__version__}. */")
    for seed, (name, (spec, loss_kind)) in enumerate(CASES.items(), 1):
        case(name, spec, loss_kind, seed)
    print("static const struct golden goldens[] = {")
    for name, (spec, loss_kind) in CASES.items():
        in_c(name, spec, loss_kind)
    print("};")


main()
