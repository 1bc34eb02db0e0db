"""Explanations of the derivation with live numbers, and checks of gradients.

``explain`` (``explain_model``) explains a network or a neuron. It assembles ``blocks`` of data into an ``Explanation``, which the
renderers turn into text, an HTML page or a notebook's output. ``check_gradient`` (``gradient_check``) compares backpropagation with
central differences; ``homework`` identifies the mistake in a backprop function of one's own. ``equation_table`` lists the code and
the tests of each equation.
"""
