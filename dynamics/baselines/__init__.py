"""What the learned model has to beat: identity, plain reconstruction, kinematic advection."""
