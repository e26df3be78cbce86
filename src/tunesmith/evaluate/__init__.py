"""Measuring answers: metrics with their uncertainty, calibration, and comparisons on the same rows."""
