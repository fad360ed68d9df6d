"""Long runs: the simulator, benchmarks, and large data for them."""
