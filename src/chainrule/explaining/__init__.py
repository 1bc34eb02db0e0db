"""The derivation with live numbers.

``explain`` tells it for a network or a neuron; ``check`` compares backpropagation with what nudges of the parameters do, and
``homework`` finds the mistake in a learner's own. One model of an explanation (``model``) has three faces: the terminal, a page and
a notebook. ``equations`` lists what computes, fuses and holds each equation.
"""
