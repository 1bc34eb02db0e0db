"""The notes as functions on arrays, with NumPy alone.

Read neuron (pages 1-2), feedforward (page 3), backprop (page 4) and descent (pages 3-4), in that order; initializers, activations,
costs, optimizers and dropout are the tables that they use. These functions check little, keep no state and aim at clarity, not
speed: the engines are tested against them.
"""
