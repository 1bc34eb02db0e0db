"""Measurements of a healthy training, which a test changes in one place."""

from dataclasses import replace

from chainrule.diagnosing.measurements import (
    CurveMeasurements,
    DataMeasurements,
    LayerMeasurements,
    Measurements,
    OutputMeasurements,
    StepMeasurements,
    TrainingSettings,
)

LEARNT = OutputMeasurements(0.05, 0.45, 0.95, 0.12, 0.06, 0.4)
UNLEARNT = OutputMeasurements(0.4, 0.45, 0.2, 0.12, 0.1, 0.5)


def layer(number, activation="sigmoid", *, saturated=0.1, dead=None, delta=0.01):
    """Measure a layer of 30 units."""
    return LayerMeasurements(number, 30, activation, saturated, dead, delta)


def healthy(**changed):
    """Give the measurements of a network that learnt ten classes well; keywords replace parts, a dict some fields of a part."""
    layers = (layer(1), layer(2, delta=0.02))
    parts = Measurements(
        rows=500,
        settings=TrainingSettings((784, 30, 10), "quadratic", "sigmoid", "normal", 30, "sgd", 3.0, 10, 0.0, 0.0),
        layers=layers,
        start=layers,
        moved=(0.5, 2.0),
        output=LEARNT,
        start_cost=1.7,
        data=DataMeasurements(
            *(3, 0.5, 0.5, 8.0, False),
            *(0.83, 0.1, 54.0, 900.0, 90.0, 5000, 0.8),
            *((100,) * 10, False, 0, 0.95, None, None),
        ),
        steps=StepMeasurements(1.4, 100.0),
        curves=CurveMeasurements(30, False, 0.16, 0.026, 0.0, 0.93, 0.14, 0.06, 0.97, 0.95, 0.042, 0.04, 16),
    )
    for name, value in changed.items():
        parts = replace(parts, **{name: replace(getattr(parts, name), **value) if isinstance(value, dict) else value})
    return parts
