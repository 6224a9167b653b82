#!/usr/bin/env python3
"""Makes tests/golden/data/statistics.json: t quantiles, intervals and tests, by SciPy.

usage: make_statistics_golden.py OUT_FILE

Samples are closed formulas written out in the file, so that the test reads what was computed from them.
Needs Python 3 with scipy and numpy (Debian: python3-scipy); tests never run this.
"""
import json
import math
import sys

import numpy as np
import scipy
from scipy import stats


def sample(n, shift, scale, seed):
    return [shift + scale * math.sin(1.7 * (k + 1) + seed) + 0.01 * ((k * 7 + seed) % 5) for k in range(n)]


def finite(value):
    return None if value is None or not math.isfinite(value) else float(value)


def mean_case(values, confidence):
    low, high = stats.t.interval(confidence, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))
    return {"values": values, "confidence": confidence, "mean": float(np.mean(values)),
            "sd": float(np.std(values, ddof=1)), "low": float(low), "high": float(high)}


def paired_case(a, b, confidence):
    d = np.array(a) - np.array(b)
    t, p = stats.ttest_rel(a, b)
    low, high = stats.t.interval(confidence, len(d) - 1, loc=np.mean(d), scale=stats.sem(d))
    w = stats.wilcoxon(d, mode="exact").pvalue
    return {"a": a, "b": b, "confidence": confidence, "mean": float(np.mean(d)), "t": float(t), "p": float(p),
            "low": float(low), "high": float(high), "wilcoxon": float(w)}


def welch_case(a, b, confidence):
    t, p = stats.ttest_ind(a, b, equal_var=False)
    va, vb = np.var(a, ddof=1) / len(a), np.var(b, ddof=1) / len(b)
    degrees = (va + vb) ** 2 / (va ** 2 / (len(a) - 1) + vb ** 2 / (len(b) - 1))
    half = stats.t.ppf(0.5 + confidence / 2, degrees) * math.sqrt(va + vb)
    mean = float(np.mean(a) - np.mean(b))
    return {"a": a, "b": b, "confidence": confidence, "mean": mean, "t": float(t), "p": float(p),
            "degrees": float(degrees), "low": mean - half, "high": mean + half}


def main():
    golden = {
        "made_with": f"scipy {scipy.__version__}, numpy {np.__version__}",
        "quantiles": [{"p": p, "degrees": d, "t": float(stats.t.ppf(p, d))}
                      for d in (1, 2, 2.5, 3, 4, 9, 29, 1000) for p in (0.6, 0.95, 0.975, 0.995, 0.9995)],
        "means": [mean_case(sample(n, 1.7, 0.02, n), c) for n in (2, 3, 5, 12) for c in (0.9, 0.95, 0.99)]
                 + [mean_case([1e9 + k for k in range(5)], 0.95)],
        "paired": [paired_case(sample(n, 1.70, 0.02, 1), sample(n, 1.68, 0.03, 2), 0.95) for n in (2, 3, 5, 10, 20)],
        "welch": [welch_case(sample(n, 1.70, 0.02, 1), sample(m, 1.60, 0.08, 2), 0.95)
                  for n, m in ((2, 2), (3, 5), (10, 4))],
    }
    with open(sys.argv[1], "w") as out:
        json.dump(golden, out, indent=1)
        out.write("\n")


if __name__ == "__main__":
    main()
