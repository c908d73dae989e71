"""How fast the strand solver is, and its peers: `python -m benchmarks.throughput --out throughput.json`."""
