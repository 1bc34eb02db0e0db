"""Diagnoses of trainings: what went wrong, the equation that explains it, and what to try.

::

    diagnose, LiveDiagnosis     diagnose_model, live_diagnosis: a network, its examples, the history of its training
      measure -> Measurements   measuring: layer_measures, step_measures, data_measures, curve_measures on some hundred rows
      find -> Finding           rules: the table of rules, from data_rules, descent_rules and curve_rules
      Diagnosis                 diagnosis: an Explanation, with its three faces
"""
