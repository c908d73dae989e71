"""The strand solver: rods, contact, friction, the step."""
