"""Homework: which mistake a learner's own backprop makes.

``check`` calls their function on a network drawn for it (``drawing``), in the way it wants to be called (``conventions``); what it
gives (``answers``) is compared with one backprop whose choices are laid open, and with every mistake that has a name (``judging``,
``rules``, ``variants``, ``output``); ``findings`` is what is told, ``lines`` the right line in the learner's own convention.
"""
