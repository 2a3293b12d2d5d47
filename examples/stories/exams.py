"""Learns how hours of work make a pass likely, from made-up exams: one neuron, activated by erf."""

import math
import random

exams = []
for _ in range(2000):
    hours = random.uniform(0, 10)
    exams.append((hours, 1 if 0.8 * hours - 4 + random.gauss(0, 1.5) > 0 else -1))

slope, start = 0.01, 0.0
for _ in range(20):
    for hours, passed in exams:
        off = math.erf(slope * hours + start) - passed
        slope, start = slope - 0.0001 * off * hours, start - 0.0001 * off

for tenths in range(101):
    print(f"{tenths / 10} hours: {math.erf(slope * tenths / 10 + start)!r}")
