"""Writes adamw.json: some steps of AdamW in plain Python numbers, by the published formula.

Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2, as PyTorch documents it for torch.optim.AdamW:
  w = w - lr * decay * w
  m = b1 * m + (1 - b1) * g;  v = b2 * v + (1 - b2) * g * g
  w = w - lr * (m / (1 - b1 ** t)) / (sqrt(v / (1 - b2 ** t)) + eps)
The gradients are clipped by their common length before each step: g = g * limit / length where length > limit.
"""
import json
import math
import pathlib
import random

random.seed(7)
CASES = [
    {"learningRate": 1e-2, "beta1": 0.9, "beta2": 0.95, "eps": 1e-8, "weightDecay": 0.1, "maximumNorm": 0.0},
    {"learningRate": 3e-3, "beta1": 0.8, "beta2": 0.999, "eps": 1e-4, "weightDecay": 0.0, "maximumNorm": 1.0},
]
SHAPES = [[3, 4], [5]]  # The second has one dimension and does not decay.


def steps(case):
    sizes = [math.prod(shape) for shape in SHAPES]
    weights = [[random.uniform(-1, 1) for _ in range(size)] for size in sizes]
    first = [list(w) for w in weights]
    m = [[0.0] * size for size in sizes]
    v = [[0.0] * size for size in sizes]
    done = []
    for t in range(1, 6):
        fraction = t / 5
        gradients = [[random.gauss(0, 1) for _ in range(size)] for size in sizes]
        length = math.sqrt(sum(g * g for part in gradients for g in part))
        limit = case["maximumNorm"]
        factor = limit / length if limit > 0 and length > limit else 1.0
        rate = case["learningRate"] * fraction
        for part, w in enumerate(weights):
            decay = case["weightDecay"] if len(SHAPES[part]) >= 2 else 0.0
            for i in range(len(w)):
                g = gradients[part][i] * factor
                w[i] -= rate * decay * w[i]
                m[part][i] = case["beta1"] * m[part][i] + (1 - case["beta1"]) * g
                v[part][i] = case["beta2"] * v[part][i] + (1 - case["beta2"]) * g * g
                mean = m[part][i] / (1 - case["beta1"] ** t)
                square = v[part][i] / (1 - case["beta2"] ** t)
                w[i] -= rate * mean / (math.sqrt(square) + case["eps"])
        done.append({"fraction": fraction, "gradients": gradients, "norm": length,
                     "weights": [list(w) for w in weights]})
    return {"configuration": case, "shapes": SHAPES, "first": first, "steps": done}


path = pathlib.Path(__file__).with_name("adamw.json")
path.write_text(json.dumps([steps(case) for case in CASES], indent=1) + "\n")
