"""How fast the strand solver is: `python -m benchmarks.throughput --out throughput.json`."""
