"""What cameras missed of the hair, filled in before a latent space reads it, where that is asked for."""
