"""Recipes: default settings with the measurements behind them, and the training that follows them."""
