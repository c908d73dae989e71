"""What cameras missed of the hair, filled in before the latent space reads it."""
