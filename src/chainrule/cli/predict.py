"""``chainrule predict``: a model's predictions for pictures and for rows of numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from ..errors import ChainruleError, SettingError
from .exit_codes import USAGE_ERROR
from .options import arguments_panel, files_argument, flag, json_option, model_argument, path_option
from .output import print_json, print_line, print_message
from .reading_options import collect_reading_options, reading_options, refuse_reading_options

if TYPE_CHECKING:
    from ..network import Network
    from ..table_model import TableModel
    from .reading_options import ReadingOptions


@click.command("predict")
@arguments_panel
@model_argument()
@files_argument("PNG or JPEG pictures, or rows of numbers: .npy, or a table as train reads it.")
@flag("--outputs", "-a", text="Print all outputs, or all probabilities of a table's model; --out writes them always.")
@path_option(
    "--out",
    "-o",
    text="Write the rows with their predictions to this file instead, in their own format, encoding and decimal mark; those of "
    "parquet may become .csv.",
)
@reading_options
@json_option("Print one JSON object per line instead, one for each picture or row; with --out one that says what was written.")
def predict(model: Path, file: tuple[Path, ...], outputs: bool, out: Path | None, as_json: bool, **options: Any) -> int:
    """Print the predicted label of each picture or row and how sure it is, or the predicted value.

    With softmax the label's probability is printed, else its output, which is not a probability. For a model of MNIST a picture is
    first converted to MNIST's form: light on dark, the digit in the middle. For a model of other images a picture of their size is
    taken as it is, and a larger one is scaled down. A model of a table refuses pictures.

    The columns of a table are found by their names, if it and the model have names; the target's column may be left out and is
    ignored. Rows are counted from 0.

    A file that cannot be read is reported on standard error, the other files are read all the same, and the exit status is 2.
    """
    from ..loading import load_model
    from ..network import Network

    reading = collect_reading_options(options)
    loaded = load_model(model)
    if isinstance(loaded, Network):
        refuse_reading_options(reading, model)
    if out is not None:
        return _write_answers(out, file, loaded, reading, as_json)
    status = 0
    for path in file:
        try:
            _predict_file(path, loaded, reading, outputs, as_json)
        except ChainruleError as error:
            status = USAGE_ERROR
            print_message(f"error: {error}")
            if as_json:
                print_json({"file": str(path), "error": str(error)})
    return status


def _write_answers(out: Path, files: tuple[Path, ...], model: Network | TableModel, reading: ReadingOptions, as_json: bool) -> int:
    """Write the answers of a table's model to a file."""
    from ..network import Network
    from .answer_file import check_answer_path
    from .table_prediction import write_table_answers

    if isinstance(model, Network):
        raise SettingError(
            "--out is for a model of a table; this model is one network: print its predictions, with --json for programs"
        )
    check_answer_path(out, files)
    write_table_answers(out, files[0], model, reading, as_json=as_json)
    return 0


def _predict_file(path: Path, model: Network | TableModel, reading: ReadingOptions, with_outputs: bool, as_json: bool) -> None:
    """Print the predictions for the rows of a file."""
    from ..network import Network

    if isinstance(model, Network):
        _predict_with_network(path, model, with_outputs, as_json)
        return
    from .table_prediction import predict_table_file

    predict_table_file(path, model, reading, with_outputs=with_outputs, as_json=as_json)


def _predict_with_network(path: Path, network: Network, with_outputs: bool, as_json: bool) -> None:
    """Print the predictions for the rows of a file."""
    from .prediction import Prediction, compute_outputs
    from .prediction_input import read_inputs

    outputs = compute_outputs(network, read_inputs(path, network), str(path))
    for k, row in enumerate(outputs):
        prediction = Prediction.from_outputs(network, row)
        name = str(path) if len(outputs) == 1 else f"{path}[{k}]"
        if as_json:
            print_json({"file": str(path), "row": k, **prediction.to_json(with_outputs)})
        else:
            print_line(f"{name}  {prediction.to_text(with_outputs)}")
