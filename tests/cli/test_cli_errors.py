"""Errors: one line on standard error, and the exit status."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import ENVIRONMENT, MAIN_WITH_SIGINT, run_process

import chainrule as cr


def test_the_package_runs_as_a_module():
    """``python -m chainrule`` is the program too, and an error there ends with status 2."""
    done = run_process("tarin")
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean 'train'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("tarin", "unknown command 'tarin'; did you mean 'train'?"),
        ("--nothing", "--nothing"),
        ("train --epoch 3", "--epochs"),
        ("train --epochs three", "--epochs takes a whole number; it is 'three'"),
        ("train --l2=much", "--l2 takes a number; it is 'much'"),
        ("train --epochs", "--epochs"),
        ("train digits --epochs 1 -e 2", "--epochs is given 2 times; give it once; see chainrule train --help"),
        ("train digits --transpose --no-transpose", "--transpose/--no-transpose is given 2 times"),
        ("sweep digits --l2=0 --l2 1", "--l2 is given 2 times"),
        ("evaluate m.safetensors --worst 1 --worst 2 -w 3", "--worst is given 3 times"),
        ("train digits mnist", "mnist"),
        ("evaluate", "MODEL"),
        ("predict", "MODEL"),
        ("predict model.safetensors", "FILE"),
        ("train minst", "did you mean 'mnist'"),
        ("train nothing.csv", "no such file or folder: nothing.csv"),
        ("train digits --seed -1", "seed must be a whole number of at least 0; it is -1"),
        ("train digits --threads many", "threads must be a whole number of at least 1; it is 'many'"),
        ("train digits --threads 0", "threads must be"),
        ("train digits --engine fast", "unknown engine 'fast'"),
        ("train digits --epochs -1", "epochs must be a whole number of at least 1; it is -1"),
        ("train digits --epochs 0", "epochs must be a whole number of at least 1; it is 0"),
        ("train digits --batch-size 0", "batch_size must be"),
        ("train digits --learning-rate 0", "learning_rate must be"),
        ("train digits --learning-rate nan", "learning_rate must be"),
        ("train digits --l2 -1", "l2 must be"),
        ("train digits --dropout 1", "dropout must be"),
        ("train digits --early-stopping -2", "--early-stopping must be"),
        ("train digits --hidden 0", "--hidden takes whole numbers of at least 1"),
        ("train digits --hidden 10000000000000", "at most"),
        ("train digits --hidden 12,x", "--hidden takes whole numbers"),
        ("train digits --hidden 12,,3", "--hidden takes whole numbers"),
        ("train digits --threads --2", "threads must be"),
        ("train digits --cost quadratc", "did you mean 'quadratic'"),
        ("train digits --activation rleu", "did you mean 'relu'"),
        ("train digits --activation softmax", "softmax"),
        ("train digits --activation relu,tanh", "names 2"),
        ("train digits --output sigmod", "did you mean 'sigmoid'"),
        ("train digits --cost cross_entropy --output softmax", "log_loss"),
        ("train digits --activation=", "unknown activation ''"),
        ("train digits --init norml", "did you mean 'normal'"),
        ("train digits --optimizer adan", "did you mean 'adam'"),
        ("train digits --schedule cosin", "did you mean 'cosine'"),
        ("train digits --optimizer adam --momentum 0.9", "adam has none to set"),
        ("train digits --momentum 1", "momentum must be"),
        ("train digits --target label", "--target names a table's column"),
        ("train digits --out nowhere/model.safetensors", "cannot write nowhere"),
        ("train digits --out .", "directory"),
        ("evaluate nothing.safetensors", "no such file: nothing.safetensors"),
        ("predict nothing.safetensors x.png", "no such file"),
        ("info nothing.safetensors", "no such file"),
    ],
)
def test_an_error_is_one_line(run, arguments, says):
    """An error is one line on standard error that says what is wrong; the status is 2, and nothing is saved."""
    status, _, err = run(*arguments.split())
    assert status == 2
    assert err.startswith("chainrule: error: ")
    assert err.count("\n") == 1
    assert says in err
    assert not list(Path().glob("*.safetensors"))


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on memory is Linux's")
def test_too_much_memory_is_one_line():
    """Data that does not fit into memory is an error in one line, with status 1."""
    cr.Network([16, 3], seed=0).save("m.safetensors")
    np.save("x.npy", np.zeros((1, 16), np.int8))
    claimed = (1 << 26, 16)  # a GB of holes, which cost no disk; as floats it would be 8
    with Path("x.npy").open("r+b") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|i1", "fortran_order": False, "shape": claimed})
        file.truncate(file.tell() + claimed[0] * claimed[1])
    limited = "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 32, 1 << 32)); " + MAIN_WITH_SIGINT
    command = [sys.executable, "-c", limited, "predict", "m.safetensors", "x.npy"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("chainrule: error: not enough memory")
    assert done.stderr.count("\n") == 1


def test_a_switch_and_an_option_of_several_values_may_be_repeated():
    """They say nothing that contradicts itself."""
    done = run_process(
        "train", "digits", "--hidden", "4", "--hidden", "3", "--epochs", "1", "--quiet", "-q", "--out", "m.safetensors"
    )
    assert done.returncode == 0, done.stderr
    assert cr.load("m.safetensors").sizes == [64, 4, 3, 10]
