"""Trainings that fail on purpose, and healthy ones: what ``cr.diagnose`` names, and what its first remedy changes."""
