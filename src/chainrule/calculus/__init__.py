"""The notes: functions on arrays, NumPy alone.

Read neuron (pages 1-2), feedforward (page 3), backprop (page 4) and descent (pages 3-4), in that order; activations, costs,
optimizers and dropout are the tables they draw on. Nothing here checks its arguments at length, keeps state or is in a hurry:
this is the text that the engines are held to.
"""
