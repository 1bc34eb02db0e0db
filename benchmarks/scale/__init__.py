"""How the time of an epoch depends on the number of machines: ``python -m benchmarks.scale_model`` prints it.

``terms`` holds what is measured or assumed, ``model`` the formulas, ``simulation`` the same training as discrete events,
``measuring`` measures the terms on this machine, ``validation`` compares the formulas with real trainings on Ray.
"""
