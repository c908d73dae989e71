"""Calibration: where camera, comb and head are, from recorded poses; and the file that everything reads."""
