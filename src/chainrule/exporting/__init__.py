"""Networks in other languages, which need no chainrule there: one file a target.

``export`` (``export_model``) chooses the target by the file's ending, and has the table of targets. ``exported_network`` checks a
model, and holds what every target writes. ``javascript`` writes one ES module; ``javascript_functions``, ``javascript_inputs`` and
``javascript_literals`` hold its parts.
"""
