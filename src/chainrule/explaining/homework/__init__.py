"""Homework: identifies the mistake in a learner's own backprop function.

``homework_check`` calls the function on a random network and batch (``random_problem``) in a convention that it accepts
(``calling_conventions``), and reads the gradient that it returns (``returned_gradients``). ``grading`` compares this gradient with
that of a backprop whose steps are replaceable (``backprop_steps``): first with the correct steps, then with every known mistake
(``backprop_mistakes``, ``output_mistakes``). The result (``homework_report``) shows the correct line in the learner's own
convention (``correct_lines``).
"""
