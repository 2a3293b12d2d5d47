"""Reads a pinned table, and says how far its columns go together."""

import csv
import math

import nixrepro_runtime as nr

with open(nr.data("measured"), newline="") as file:
    rows = [(float(one), float(two)) for one, two in csv.reader(file)]

means = [math.fsum(column) / len(rows) for column in zip(*rows)]
off = [[value - mean for value, mean in zip(row, means)] for row in rows]
both, one, two = (math.fsum(a[i] * a[j] for a in off) for i, j in ((0, 1), (0, 0), (1, 1)))
nr.log(correlation=both / math.sqrt(one * two))
