"""The latent space of hair: a hierarchical quantised autoencoder."""
