"""Arms: what they are, whether they can follow a stroke, and the joint trajectory that does."""
