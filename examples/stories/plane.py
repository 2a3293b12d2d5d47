"""Fits a plane by least squares, step by step, with numpy alone."""

import numpy as np

x = np.random.normal(size=(20000, 200)).astype("float32")
w = np.zeros(200, "float32")
y = (x @ np.arange(200) + np.random.normal(size=len(x))).astype("float32")
print("sums", x.sum(), y.sum())
for step in range(1, 101):
    off = x @ w - y
    w -= 0.1 * (x.T @ off) / len(x)
    if step % 20 == 0:
        print(f"step {step}: mean square {np.square(off).mean()}")
print("first weights", *w[:3])
