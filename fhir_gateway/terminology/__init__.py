"""What codes mean: code systems, value sets."""
