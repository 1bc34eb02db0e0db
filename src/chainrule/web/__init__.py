"""The page: draw a digit and see the network think; train, and watch it learn."""
