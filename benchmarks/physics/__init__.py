"""The strand solver against analytic mechanics: `python -m benchmarks.physics --out physics.json`."""
