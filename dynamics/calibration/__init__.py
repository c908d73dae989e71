"""Whether the model is as sure as it is right: probabilities of hair, and what they say of a whole stroke."""
