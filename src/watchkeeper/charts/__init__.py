"""Charts that judge a series of measurements, one file each: step(memory, measurement) → (memory, signal)."""
