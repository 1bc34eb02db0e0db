"""The command line: what a user types, what is printed where, what is left on the disk, and the exit status."""

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import sparse
from sklearn.datasets import dump_svmlight_file, load_diabetes, load_wine

import chainrule as cr
from chainrule import cli, datasets
from chainrule._arrays import names_to_keep
from chainrule.calculus.activations import ACTIVATIONS
from chainrule.calculus.costs import COSTS
from chainrule.cli.data import Source, outputs_for, split_table, task_of
from chainrule.cli.evaluate import braille
from chainrule.cli.scores import determination
from chainrule.cli.settings import DIGITS, NOTES, TABLE, Settings, chosen_task, defaults_for, settle, taken
from chainrule.cli.telling import one_line, say_json
from chainrule.datasets.idx import header
from chainrule.engines import ENGINES
from chainrule.history import EpochRecord
from chainrule.plan import Provenance
from chainrule.scaler import scale_table

FAST = ("--epochs", "2", "--hidden", "8")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(cr.__file__).parents[1]), "COLUMNS": "80"}
STARTS_AS_A_SHELL_DOES = (  # a test run in the background would hand its ignored SIGINT down
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from chainrule.cli import main; main()"
)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    """Every test runs where it may write what it likes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def chainrule(capsys):
    """The program, in this process: call it with its arguments for the exit status, and what stood on the two outputs."""

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return call


@pytest.fixture
def told(chainrule):
    """The program, with --json: call it for the objects it printed, having seen that it went well."""

    def call(*arguments):
        status, out, err = chainrule(*arguments, "--json")
        assert (status, err) == (0, "")
        return [json.loads(line, parse_constant=pytest.fail) for line in out.splitlines()]

    return call


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder with three small trained models and a table: digits, wine (classes) and diabetes (values)."""
    folder = tmp_path_factory.mktemp("models")
    write_table(folder / "wine.csv", load_wine())
    write_table(folder / "diabetes.csv", load_diabetes(scaled=False))
    for data in ("digits", folder / "wine.csv", folder / "diabetes.csv"):
        out = folder / f"{Path(data).stem}.safetensors"
        with pytest.raises(SystemExit) as ended:
            cli.main(["train", str(data), "--quiet", "--out", str(out)])
        assert ended.value.code == 0
    return folder


@pytest.fixture(scope="module")
def mnist_model(tmp_path_factory):
    """A model of MNIST that was trained for an epoch, and the lines it printed."""
    out = tmp_path_factory.mktemp("mnist") / "mnist.safetensors"
    command = ["train", "--epochs", "1", "--seed", "1", "--out", out]
    return out, process(*command).stdout.splitlines()


def process(*arguments, **settings):
    """Run the program in a process of its own, to its end."""
    command = [sys.executable, "-m", "chainrule", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **{"env": ENVIRONMENT, **settings})


def write_table(path, bunch, target="target"):
    """Write one of scikit-learn's data sets as a csv with a line of names."""
    names = [*(str(name).replace(",", " ") for name in bunch.feature_names), target]
    rows = np.column_stack([bunch.data, bunch.target])
    np.savetxt(path, rows, delimiter=",", header=",".join(names), comments="", fmt="%.10g")


def shown(value, decimals, whole):
    """Write a number as the program does: what is below the whole is never rounded up to it."""
    return f"{min(value, whole - 10.0**-decimals) if value < whole else value:.{decimals}f}"


def percentages(text):
    return [float(number) for number in re.findall(r"([\d.]+) ?%", text)]


class TestProgram:
    """The program itself: help, version, completion, and how mistakes are told."""

    @pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
    def test_without_arguments_it_helps(self, chainrule, arguments):
        """No arguments, like --help, tell every command on standard output, and that is no mistake."""
        status, out, err = chainrule(*arguments)
        assert (status, err) == (0, "")
        assert all(name in out for name in ("train", "evaluate", "predict", "info", "--version", "--install-completion"))

    def test_help_tells_every_setting_and_the_notes_values(self, chainrule):
        """The help of train holds each option of the settings, the notes' defaults, and fits 80 columns."""
        status, out, _ = chainrule("train", "--help")
        text = " ".join(re.sub("[│╭╮╰╯─]", " ", out).split())
        assert status == 0
        assert all(f"--{column.name.replace('_', '-')}" in out for column in fields(Settings))
        assert all(f"--{name}" in out for name in ("seed", "engine", "threads", "out", "target", "quiet", "json"))
        for said in ("hidden layer, or none for no layer (default: 30)", "data (default: 30)", "(default: 10)", "(default: 3.0)"):
            assert said in text
        assert max(map(len, out.splitlines())) <= 80

    @pytest.mark.parametrize("command", ["train", "evaluate", "predict", "info"])
    def test_each_command_has_help(self, chainrule, command):
        """Each command's help names its arguments and says in a sentence what it does."""
        status, out, err = chainrule(command, "-h")
        assert (status, err) == (0, "")
        arguments = {"train": "[DATA]", "evaluate": "MODEL [DATA]", "predict": "MODEL FILE...", "info": "MODEL"}[command]
        assert f"Usage: chainrule {command} [OPTIONS] {arguments} " in out

    def test_help_fills_a_narrow_terminal(self, chainrule, monkeypatch):
        """The text of a command has no line breaks of its own."""
        monkeypatch.setenv("COLUMNS", "60")
        prose = [line.strip() for line in chainrule("predict", "-h")[1].partition("╭")[0].splitlines()][2:]
        assert len(prose) > 5
        for line, following in zip(prose, prose[1:], strict=False):
            assert not line or not following or len(f"{line} {following.split()[0]}") > 58

    def test_version_is_quick(self):
        """--version tells the versions and engines in a line, and loads none of the large libraries for it."""
        code = (
            "import sys, chainrule.cli\n"
            "try: chainrule.cli.main(['--version'])\n"
            "except SystemExit: pass\n"
            "print([name for name in ('sklearn', 'scipy', 'matplotlib', 'PIL', 'pyarrow', 'safetensors') if name in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=ENVIRONMENT)
        version, loaded = done.stdout.splitlines()
        assert re.fullmatch(rf"chainrule {re.escape(cr.__version__)}, engines: .*reference.*; Python 3\.\S+, NumPy \S+", version)
        assert loaded == "[]"

    def test_version_tells_the_instruction_set(self, chainrule, monkeypatch):
        """--version says what the kernels run on; one that CHAINRULE_ISA asks for and is not here is a mistake, in a line."""
        if "fused" not in ENGINES:
            pytest.skip("the kernels are not built here")
        from chainrule.engines.fused import available

        for isa in available():
            monkeypatch.setenv("CHAINRULE_ISA", isa)
            assert re.search(rf"engines: fused \((x86-64-)?{isa}\), reference;", chainrule("--version")[1])
        monkeypatch.setenv("CHAINRULE_ISA", "nonsense")
        status, out, err = chainrule("--version")
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert "CHAINRULE_ISA asks for 'nonsense', but this machine runs" in err

    def test_a_module_is_the_program(self):
        """``python -m chainrule`` is the program too, and an error there ends with status 2."""
        done = process("tarin")
        assert (done.returncode, done.stdout) == (2, "")
        assert "did you mean 'train'" in done.stderr

    @pytest.mark.parametrize(
        ("words", "offered"),
        [("tr", "train"), ("train m", "mnist"), ("train --optimizer nes", "nesterov"), ("train --batch", "--batch-size")],
    )
    def test_the_shell_completes(self, words, offered):
        """Commands, data, names and options are completed, by the protocol that bash speaks."""
        asked = {"_CHAINRULE_COMPLETE": "complete_bash", "COMP_WORDS": f"chainrule {words}", "COMP_CWORD": str(len(words.split()))}
        assert process(env={**ENVIRONMENT, **asked}).stdout.split() == [offered]

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            ("tarin", "unknown command 'tarin'; did you mean 'train'?"),
            ("--nothing", "--nothing"),
            ("train --epoch 3", "--epochs"),
            ("train --epochs three", "--epochs takes a whole number; it is 'three'"),
            ("train --l2=much", "--l2 takes a number; it is 'much'"),
            ("train --epochs", "--epochs"),
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
            ("train digits --early-stopping -2", "patience must be"),
            ("train digits --hidden 0", "at least 1; it is 0"),
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
    def test_a_mistake_is_one_line(self, chainrule, arguments, says):
        """A mistake is told in one line on standard error that says what is wrong; the status is 2, and nothing is saved."""
        status, _, err = chainrule(*arguments.split())
        assert status == 2
        assert err.startswith("chainrule: error: ")
        assert err.count("\n") == 1
        assert says in err
        assert not list(Path().glob("*.safetensors"))

    @pytest.mark.skipif(sys.platform != "linux", reason="the limit on memory is Linux's")
    def test_too_much_memory_is_one_line(self):
        """Data that the machine cannot hold is told in one line, with status 1."""
        cr.Network([16, 3], seed=0).save("m.safetensors")
        np.save("x.npy", np.zeros((1, 16), np.int8))
        claimed = (1 << 26, 16)  # a GB of holes, which cost no disk; as floats it would be 8
        with Path("x.npy").open("r+b") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "|i1", "fortran_order": False, "shape": claimed})
            file.truncate(file.tell() + claimed[0] * claimed[1])
        limited = "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 32, 1 << 32)); " + STARTS_AS_A_SHELL_DOES
        command = [sys.executable, "-c", limited, "predict", "m.safetensors", "x.npy"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("chainrule: error: not enough memory")
        assert done.stderr.count("\n") == 1

    def test_a_line_is_one_line_and_safe(self):
        """Line breaks and terminal codes from a file's name or a model never reach the terminal."""
        assert one_line("a\nb\x1b[2Jc\u202e") == "a b?[2Jc?"

    def test_json_knows_no_nan(self, capsys):
        """NumPy's numbers become JSON's, and what is not finite becomes null."""
        say_json({"a": float("nan"), "b": [np.float32(1.5), np.inf], "c": np.arange(2), "d": {"e": (True, None, "x")}})
        said = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
        assert said == {"a": None, "b": [1.5, None], "c": [0, 1], "d": {"e": [True, None, "x"]}}


class TestTrain:
    """``chainrule train``."""

    def test_mnist_out_of_the_box(self, mnist_model, told):
        """One epoch of the notes' network passes 85 %, the last percentage printed is the test accuracy, and the model holds it."""
        path, lines = mnist_model
        accuracy = percentages("\n".join(lines))[-1]
        assert re.fullmatch(r"test accuracy \d\d\.\d\d %", lines[-1])
        assert accuracy > 85
        assert accuracy == round(100 * cr.load(path).accuracy(datasets.mnist().test), 2)
        plan = told("info", path)[0]["trained"]["plan"]
        assert [layer["n_out"] for layer in plan["layers"]] == [30, 10]
        assert {layer["activation"] for layer in plan["layers"]} == {"sigmoid"}
        assert (plan["cost"], plan["batch_size"], plan["optimizer"]["name"], plan["optimizer"]["momentum"]) == (
            "quadratic",
            10,
            "sgd",
            0.0,
        )
        assert told("info", path)[0]["trained"]["learning_rate"] == 3.0

    def test_a_whole_training_in_a_process(self):
        """On a pipe there is a line each epoch, a line that says which defaults were taken, and last the test accuracy."""
        done = process("train", "digits", "--epochs", 4)
        lines = done.stdout.splitlines()
        assert (done.returncode, done.stderr) == (0, "")
        assert [line.split()[1] for line in lines if line.startswith("epoch")] == ["1/4", "2/4", "3/4", "4/4"]
        assert f"taken to suit this data: {taken(DIGITS, {'epochs': 4})}" in lines
        assert "\x1b" not in done.stdout
        network = cr.load("digits.safetensors")
        assert lines[-1] == f"test accuracy {100 * network.accuracy(datasets.digits().test):.2f} %"
        assert network.provenance.data == "digits"

    def test_the_defaults_read_digits(self, models):
        """What is taken for the digits reads more than 95 % of its test images."""
        assert cr.load(models / "digits.safetensors").accuracy(datasets.digits().test) > 0.95

    def test_the_same_command_gives_the_same_model(self, chainrule):
        """Two runs with a seed agree in every weight, and another seed does not."""
        for seed, out in ((5, "a"), (5, "b"), (6, "c")):
            assert chainrule("train", "digits", *FAST, "--seed", seed, "--out", f"{out}.safetensors")[0] == 0
        a, b, c = (cr.load(f"{name}.safetensors").weights[0] for name in "abc")
        assert np.array_equal(a, b)
        assert not np.array_equal(a, c)

    def test_json_is_a_line_an_epoch_and_a_summary(self, told):
        """Each epoch is an object of the record's fields; the summary has the accuracy as a fraction, seconds and model."""
        *epochs, summary = told("train", "digits", *FAST)
        assert [record["epoch"] for record in epochs] == [1, 2]
        assert all(set(record) == {column.name for column in fields(EpochRecord)} for record in epochs)
        assert summary["test_accuracy"] == cr.load(summary["model"]).accuracy(datasets.digits().test)
        assert summary["model"] == "digits.safetensors"
        assert summary["seconds"] > 0
        facts = {"data": "digits", "epochs": 2, "seed": 0, "stopped": "finished", "engine": summary["engine"]}
        assert {name: summary[name] for name in facts} == facts
        assert any("taken to suit this data" in note for note in summary["notes"])

    def test_quiet_is_the_last_line(self, chainrule, told):
        """--quiet leaves the test accuracy, or with --json the summary."""
        status, out, err = chainrule("train", "digits", *FAST, "--quiet")
        assert (status, err) == (0, "")
        assert re.fullmatch(r"test accuracy \d+\.\d\d %\n", out)
        assert [*map(len, [told("train", "digits", *FAST, "--quiet")])] == [1]

    @pytest.mark.parametrize(
        ("option", "where", "value"),
        [
            ("--hidden 12,7", "sizes", [64, 12, 7, 10]),
            ("--hidden 12 --hidden 7", "sizes", [64, 12, 7, 10]),
            ("-H 5", "sizes", [64, 5, 10]),
            ("--hidden none", "sizes", [64, 10]),
            ("--activation tanh", "activations", ["tanh", "softmax"]),
            ("--hidden 4,4 --activation relu,tanh", "activations", ["relu", "tanh", "softmax"]),
            ("--output sigmoid", "activations", ["relu", "sigmoid"]),
            ("--output sigmoid", "cost", "cross_entropy"),
            ("--cost quadratic", "cost", "quadratic"),
            ("--cost mean_squared_error", "activations", ["relu", "identity"]),
            ("--init glorot_uniform", "init", "glorot_uniform"),
            ("--seed 7", "seed", 7),
            ("--epochs 3", "trained.epochs", 3),
            ("-e 1", "trained.epochs", 1),
            ("--batch-size 50", "trained.plan.batch_size", 50),
            ("-b 50", "trained.steps", 2 * 24),
            ("--learning-rate 0.01", "trained.learning_rate", 0.01),
            ("-r 0.01", "trained.learning_rate", 0.01),
            ("--optimizer rmsprop", "trained.plan.optimizer.name", "rmsprop"),
            ("--optimizer sgd --momentum 0.5", "trained.plan.optimizer.momentum", 0.5),
            ("--optimizer nesterov --momentum 0.8", "trained.plan.optimizer.nesterov", True),
            ("--optimizer nesterov --momentum 0.8", "trained.plan.optimizer.momentum", 0.8),
            ("--l2 0.001", "trained.plan.l2", 0.001),
            ("--dropout 0.25", "trained.plan.layers.0.dropout", 0.25),
            ("--schedule cosine", "trained.schedule", "cosine"),
            ("--engine reference", "trained.engine", "reference/numpy-" + np.__version__),
            ("--threads 1", "trained.stopped", "finished"),
            ("--seed 7", "trained.plan.seed", 7),
        ],
    )
    def test_every_option_reaches_the_training(self, told, option, where, value):
        """What is asked for on the command line is what the model says of its training."""
        told("train", "digits", "--epochs", 2, *option.split(), "--out", "m.safetensors")
        found = told("info", "m.safetensors")[0]
        for key in where.split("."):
            found = found[int(key) if key.isdecimal() else key]
        assert found == value

    def test_early_stopping_keeps_the_best(self, told):
        """With a patience of 1 and a rate that is too high it stops early, and the model is the best epoch's."""
        *epochs, summary = told("train", "digits", "--early-stopping", 1, "--learning-rate", 0.05, "--epochs", 60)
        costs = [record["validation_cost"] for record in epochs]
        assert summary["stopped"] == "early"
        assert len(epochs) < 60
        assert summary["best_epoch"] == 1 + int(np.argmin(costs)) == len(epochs) - 1

    def test_early_stopping_can_be_left_out(self, told):
        """--early-stopping 0 goes through every epoch, whatever suits the data."""
        *epochs, summary = told("train", "digits", "--early-stopping", 0, "--learning-rate", 0.05, "--epochs", 25, "--hidden", 8)
        assert (len(epochs), summary["best_epoch"]) == (25, None)

    def test_a_model_is_replaced_and_it_says_so(self, chainrule):
        """The first run says saved, the second replaced."""
        assert "saved digits.safetensors" in chainrule("train", "digits", *FAST)[1]
        assert "replaced digits.safetensors" in chainrule("train", "digits", *FAST)[1]

    def test_that_it_can_be_written_is_checked_first(self, chainrule):
        """Where the model cannot go, nothing is loaded or trained: the run would be lost."""
        for out in ("nowhere/m.safetensors", "."):
            status, said, err = chainrule("train", "digits", "--out", out)
            assert (status, said) == (2, "")
            assert "cannot write" in err

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="an administrator may write anywhere")
    def test_a_read_only_folder_is_told_first(self, chainrule, tmp_path):
        """A folder that may not be written to is refused before the training."""
        tmp_path.chmod(0o500)
        status, said, err = chainrule("train", "digits")
        tmp_path.chmod(0o700)
        assert (status, said) == (2, "")
        assert "Permission denied" in err

    def test_interrupted_it_saves_what_was_learnt(self):
        """Ctrl-C in the middle ends with status 130, a line that says so, and a model that holds what was learnt."""
        command = [sys.executable, "-c", STARTS_AS_A_SHELL_DOES, "train", "--epochs", "1000"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as running:
            next(line for line in running.stdout if line.startswith("epoch "))
            running.send_signal(signal.SIGINT)
            out, err = running.communicate()
        network = cr.load("mnist.safetensors")
        assert running.returncode == 130
        assert err.count("\n") == 1
        assert re.search(r"interrupted .*; what was learnt is in mnist\.safetensors", err)
        assert network.provenance.stopped == "interrupted"
        assert out.splitlines()[-1] == f"test accuracy {100 * network.accuracy(datasets.mnist().test):.2f} %"

    @pytest.mark.parametrize("command", [("train", "digits", "-e", "4"), ("train", "digits", "-e", "4", "--json"), ("--help",)])
    def test_a_reader_that_goes_away_is_no_accident(self, command):
        """With ``| head -1`` the program ends without a word on standard error, and a training goes on to its end."""
        command = [sys.executable, "-m", "chainrule", *command]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as running:
            running.stdout.readline()
            running.stdout.close()
            assert running.stderr.read() == ""
        if command[3] == "train":
            assert running.returncode == 0
            assert cr.load("digits.safetensors").provenance.epochs == 4

    def test_an_evaluation_that_nobody_reads_ends_quietly(self, models):
        """``evaluate | head -1`` ends with status 0 and without a word on standard error."""
        command = [sys.executable, "-m", "chainrule", "evaluate", str(models / "digits.safetensors")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as running:
            running.stdout.close()
            assert running.stderr.read() == ""
        assert running.returncode == 0

    def test_diverged_at_once_it_saves_nothing(self, chainrule):
        """A training that diverges in its first epoch says so in a line and leaves the file that was there; status 1."""
        cr.Network([2, 1], seed=0).save("digits.safetensors")
        mine = Path("digits.safetensors").read_bytes()
        status, out, err = chainrule("train", "digits", "--cost", "mean_squared_error", "--optimizer", "sgd", "-r", 1e30, "-q")
        assert (status, out) == (1, "")
        assert err.count("\n") == 1
        assert "diverged in epoch 1" in err
        assert "nothing was saved" in err
        assert Path("digits.safetensors").read_bytes() == mine

    def test_diverged_later_it_saves_the_last_finite_epoch(self, chainrule):
        """A training that diverges after some epochs leaves a model with finite weights, a valid summary, and status 1."""
        x = np.random.default_rng(0).normal(size=(100, 3))
        np.savez("t.npz", x=x, y=x.sum(axis=1))
        command = ("train", "t.npz", "--optimizer", "sgd", "-r", 30, "--activation", "identity", "--early-stopping", 0, "--json")
        status, out, err = chainrule(*command)
        summary = json.loads(out.splitlines()[-1], parse_constant=pytest.fail)
        assert status == 1
        assert err.count("\n") == 1
        assert (summary["stopped"], summary["model"]) == ("diverged", "t.safetensors")
        assert summary["epochs"] > 0
        assert all(np.isfinite(w).all() for w in cr.load("t.safetensors").weights)

    def test_no_epochs_leave_the_model_that_was_there(self, chainrule):
        """--epochs 0 is refused before an untrained network can take the place of a trained one."""
        cr.Network([2, 1], seed=0).save("digits.safetensors")
        mine = Path("digits.safetensors").read_bytes()
        assert chainrule("train", "digits", "--epochs", 0)[:2] == (2, "")
        assert Path("digits.safetensors").read_bytes() == mine

    def test_interrupted_before_the_first_step_it_keeps_the_old_model(self, chainrule, monkeypatch):
        """Ctrl-C before anything was learnt saves nothing: status 130, and the file that was there stays."""

        def interrupted(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr("chainrule.training.block_length", interrupted)
        cr.Network([2, 1], seed=0).save("digits.safetensors")
        mine = Path("digits.safetensors").read_bytes()
        status, _, err = chainrule("train", "digits", *FAST)
        assert status == 130
        assert "nothing was saved" in err
        assert Path("digits.safetensors").read_bytes() == mine

    def test_interrupted_it_says_what_it_replaced(self, chainrule, monkeypatch):
        """Ctrl-C in the second epoch puts what was learnt in the old model's place, and says so."""
        lengths = iter([100])
        blocks = cr.training.block_length

        def once(*arguments):
            if next(lengths, None) is None:
                raise KeyboardInterrupt
            return blocks(*arguments)

        monkeypatch.setattr("chainrule.training.block_length", once)
        cr.Network([2, 1], seed=0).save("digits.safetensors")
        status, _, err = chainrule("train", "digits", *FAST)
        assert status == 130
        assert "replaced digits.safetensors with what was learnt" in err
        assert cr.load("digits.safetensors").provenance.epochs == 1

    @pytest.mark.parametrize("wrong", ["--cost no", "--engine no", "--dropout 2", "--threads 0", "--schedule no", "--momentum 2"])
    def test_a_wrong_setting_is_told_before_all_else(self, chainrule, wrong):
        """What is wrong comes first: nothing is announced that does not happen."""
        assert chainrule("train", "digits", *wrong.split())[:2] == (2, "")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
class TestTerminal:
    """What a terminal shows that a pipe does not."""

    @staticmethod
    def in_terminal(*arguments):
        """Run the program in a pseudo-terminal, and give all that it wrote."""
        import pty

        ours, theirs = pty.openpty()
        environment = {**ENVIRONMENT, "TERM": "xterm", "PYTHONIOENCODING": "utf-8"}
        command = [sys.executable, "-m", "chainrule", *map(str, arguments)]
        with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as running:
            os.close(theirs)
            written = b""
            while True:
                try:
                    written += (more := os.read(ours, 65536))
                except OSError:  # on Linux, the end of a terminal
                    break
                if not more:
                    break
        os.close(ours)
        assert running.returncode == 0
        return written.decode()

    def test_training_has_a_live_line(self):
        """In a terminal there is a bar that is redrawn and erased, below the lines of the epochs; the test accuracy stays last."""
        text = self.in_terminal("train", "digits", *FAST)
        assert "━" in text
        assert "\x1b[2K" in text
        assert re.search(r"epoch 2/2  cost \S+  accuracy \S+ %  validation \S+ %", text)
        assert text.rstrip().splitlines()[-1].startswith("test accuracy")

    def test_the_worst_images_are_drawn(self, mnist_model):
        """In a terminal the images that were most wrong are drawn, with what they are and were told as."""
        text = self.in_terminal("evaluate", mnist_model[0], "--worst", 7)
        assert len(re.findall("[\u2801-\u28ff]", text)) > 50
        assert len(re.findall(r"\d, told as \d", text)) == 7


class TestTables:
    """Tables: what is learnt, the split, and the scale that is folded in."""

    def test_classes(self, models, told):
        """The defaults learn wine's classes from raw columns; the model needs no one to scale them."""
        network = cr.load(models / "wine.safetensors")
        table = datasets.table(models / "wine.csv")
        assert network.plan.cost_function.name == "log_loss"
        assert network.sizes == [13, 64, 3]
        assert network.accuracy(table) > 0.95
        assert told("evaluate", models / "wine.safetensors")[0]["accuracy"] > 0.85

    def test_values(self, models, told):
        """The defaults learn diabetes in the target's own units, better than its mean does."""
        network = cr.load(models / "diabetes.safetensors")
        table = datasets.table(models / "diabetes.csv")
        assert network.plan.cost_function.name == "mean_squared_error"
        assert network.cost(table) < 0.7 * table.y.var()
        assert told("evaluate", models / "diabetes.safetensors")[0]["r2"] > 0.2

    def test_a_regression_tells_cost_and_r2(self, chainrule, models):
        """Where there are no classes, the last line is the test cost and R^2, and no percentage is printed."""
        status, out, _ = chainrule("train", models / "diabetes.csv", "--epochs", 3)
        assert status == 0
        assert re.fullmatch(r"test cost [\d.]+, R\^2 -?\d\.\d{4}, RMSE [\d.]+ in the target's unit", out.splitlines()[-1])
        cost, rmse = (float(number) for number in re.findall(r"(?:cost|RMSE) ([\d.]+)", out.splitlines()[-1]))
        assert rmse == pytest.approx(cost**0.5, rel=1e-3)
        assert "which the epochs' costs are on; the model and the last line are in the raw units" in out
        assert percentages(out) == []
        assert Path("diabetes.safetensors").exists()

    def test_the_split_is_told_and_tests_what_was_not_trained_on(self, told, models):
        """The rows are dealt out by the seed, which evaluate finds again: it judges by the same rows as train did."""
        summary = told("train", models / "wine.csv", "--seed", 3, "--epochs", 5, "--out", "w.safetensors")[-1]
        judged = told("evaluate", "w.safetensors")[0]
        parts = split_table(Source("wine.csv"), datasets.table(models / "wine.csv"), 3)
        assert any(
            "125 rows to train on, 26 to validate, 27 to test (seed 3), 13 columns, 3 classes" in n for n in summary["notes"]
        )
        assert summary["test_accuracy"] == judged["accuracy"] == cr.load("w.safetensors").accuracy(parts.test)
        assert judged["examples"] == 27
        assert {row["row"] for row in judged["worst"]} <= set(parts.rows.tolist())

    def test_a_part_of_the_split_is_in_no_other(self, models):
        """Train, validation and test rows together are the table's, each once."""
        table = datasets.table(models / "wine.csv")
        parts = split_table(Source("wine.csv"), table, 0)
        rows = np.vstack([part.x for part in (parts.train, parts.validation, parts.test)])
        assert np.array_equal(np.sort(rows, axis=0), np.sort(table.x, axis=0))
        assert np.array_equal(parts.test.x, table.x[parts.rows])

    def test_another_table_is_judged_whole(self, told, models):
        """A table that the model was not trained on is judged by all its rows."""
        lines = (models / "wine.csv").read_text().splitlines()
        Path("other.csv").write_text("\n".join([lines[0], *lines[50:80]]))
        assert told("evaluate", models / "wine.safetensors", "other.csv")[0]["examples"] == 30

    def test_a_target_by_name_is_remembered(self, told):
        """--target names the column to learn, and evaluate knows it again."""
        write_table("wine.csv", load_wine(), target="kind")
        lines = [line.split(",") for line in Path("wine.csv").read_text().splitlines()]
        Path("turned.csv").write_text("\n".join(",".join([line[-1], *line[:-1]]) for line in lines))
        summary = told("train", "turned.csv", "--target", "kind", "--epochs", 20)[-1]
        assert told("info", "turned.safetensors")[0]["trained"]["data"] == "turned.csv#kind"
        assert told("evaluate", "turned.safetensors")[0]["accuracy"] == summary["test_accuracy"] > 0.7

    def test_an_explicit_option_wins(self, told, models):
        """What the user says counts above what suits the data."""
        told("train", models / "wine.csv", "-e", 1, "-H", 9, "--cost", "cross_entropy", "-r", 0.5, "--optimizer", "sgd", "-b", 7)
        found = told("info", "wine.safetensors")[0]
        assert (found["sizes"], found["cost"], found["activations"]) == ([13, 9, 3], "cross_entropy", ["relu", "sigmoid"])
        assert (found["trained"]["learning_rate"], found["trained"]["plan"]["batch_size"]) == (0.5, 7)

    def test_whole_numbers_can_be_learnt_as_values(self, told):
        """A cost for values learns labels as numbers, in their own units."""
        x = np.random.default_rng(0).normal(size=(300, 3))
        np.savez("t.npz", x=x, y=100 + 10 * (x[:, 0] > 0) + 10 * (x[:, 1] > 0))
        told("train", "t.npz", "--cost", "mean_squared_error")
        assert cr.load("t.safetensors").sizes == [3, 64, 1]
        assert told("evaluate", "t.safetensors")[0]["r2"] > 0.7

    def test_svmlight_with_labels_of_minus_one(self, told):
        """Sparse rows are learnt as they are stored, and the labels -1 and 1 as classes 0 and 1."""
        x = np.random.default_rng(0).normal(size=(400, 6)) * (np.random.default_rng(1).random((400, 6)) < 0.5)
        x[:, 5] *= 1000
        dump_svmlight_file(x, np.where(x[:, 0] + x[:, 1] > 0, 1, -1), "t.svmlight")
        assert told("train", "t.svmlight")[-1]["test_accuracy"] > 0.8
        network = cr.load("t.safetensors")
        assert network.sizes == [6, 64, 2]
        assert network.accuracy(x, (x[:, 0] + x[:, 1] > 0).astype(int)) > 0.8
        assert told("evaluate", "t.safetensors")[0]["accuracy"] > 0.8

    def test_the_data_itself_is_never_overwritten(self, chainrule):
        """A model that would take the place of its data is refused."""
        write_table("wine.csv", load_wine())
        before = Path("wine.csv").read_bytes()
        status, _, err = chainrule("train", "wine.csv", "--out", "./wine.csv")
        assert status == 2
        assert "a name of its own" in err
        assert Path("wine.csv").read_bytes() == before

    def test_too_few_rows_cannot_be_split(self, chainrule):
        """A table of 9 rows is refused with a sentence."""
        np.savetxt("t.csv", np.arange(18).reshape(9, 2), delimiter=",")
        status, _, err = chainrule("train", "t.csv")
        assert status == 2
        assert "t.csv has 9 rows" in err

    def test_labels_that_number_no_classes(self, chainrule):
        """A label of a million is no class: no network of a million outputs is made for it."""
        np.savetxt("t.csv", np.column_stack([np.arange(40.0), np.arange(40) % 2 * 1_000_000]), delimiter=",")
        status, _, err = chainrule("train", "t.csv", "--cost", "log_loss")
        assert status == 2
        assert "1e+06" in err

    @pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix])
    @pytest.mark.parametrize("sizes", [[4, 5, 2], [4, 2]])
    def test_folding_the_scale_in_changes_no_output(self, kind, sizes):
        """The network that saw scaled columns and targets gives the same from raw ones, constant columns and targets included."""
        rng = np.random.default_rng(0)
        x = rng.normal(size=(50, 4)) * [1, 1e-3, 1e4, 0] + ([0, 5, 1e6, 7] if kind is np.asarray else 0)
        y = np.column_stack([rng.normal(size=50) * 100 + 3, np.full(50, 4.0)])
        raw = cr.Examples(kind(x), y)
        network = cr.Network(sizes, cost="mean_squared_error", activation="tanh", seed=0, dtype="float64")
        scaled = scale_table(raw, raw, targets=True)
        before = network.feedforward(scaled.train.x)
        scaled.fold(network)
        after = network.feedforward(raw.x)
        assert np.allclose(after, before * scaled.outputs.scale + scaled.outputs.mean, rtol=1e-9, atol=1e-9)
        assert not network.weights[0][:, 3].any()

    def test_scaled_columns_have_one_size(self):
        """Dense columns get mean 0 and deviation 1, sparse ones the largest magnitude 1, zeros kept; constants become 0."""
        x = np.random.default_rng(0).normal(size=(60, 3)) * [1, 1000, 0] + [0, 50, 3]
        dense = scale_table(cr.Examples(x, np.zeros(60)), cr.Examples(x, np.zeros(60)), targets=False).train.x
        csr = sparse.csr_matrix(-np.where(x > 0, x, 0))
        stored = scale_table(cr.Examples(csr, np.zeros(60)), cr.Examples(csr, np.zeros(60)), targets=False).train.x
        assert np.allclose(dense.mean(axis=0), 0)
        assert np.allclose(dense.std(axis=0), [1, 1, 0])
        assert np.allclose(abs(stored).max(axis=0).toarray(), 1)
        assert stored.nnz == csr.nnz


class TestFolders:
    """A folder of IDX files."""

    def test_an_idx_folder(self, told):
        """A folder is learnt with defaults that suit images, under its own name."""
        mnist = datasets.mnist()
        Path("some").mkdir()
        for part, examples in (("train", mnist.train[:3000]), ("t10k", mnist.test[:500])):
            for name, array in (("images-idx3", examples.x.reshape(-1, 28, 28)), ("labels-idx1", examples.y.astype(np.uint8))):
                Path("some", f"{part}-{name}-ubyte").write_bytes(header(array) + array.tobytes())
        summary = told("train", "some", "--epochs", 4, "--threads", 1)[-1]
        assert summary["test_accuracy"] > 0.8
        assert summary["model"] == "some.safetensors"
        assert any("--hidden 128" in note for note in summary["notes"])
        assert told("evaluate", "some.safetensors")[0]["accuracy"] == summary["test_accuracy"]


class TestEvaluate:
    """``chainrule evaluate``."""

    def test_it_tells_all_that_is_asked_of_it(self, chainrule, models):
        """Accuracy, cost, the confusion matrix within 80 columns, and which images are most wrong."""
        status, out, err = chainrule("evaluate", models / "digits.safetensors")
        assert (status, err) == (0, "")
        test, network = datasets.digits().test, cr.load(models / "digits.safetensors")
        wrong = np.flatnonzero(network.predict(test.x) != test.y)
        assert f"accuracy {100 * network.accuracy(test):.2f} %, log_loss cost {network.cost(test):.5g}" in out
        assert max(map(len, out.splitlines())) <= 80
        assert sorted(int(line.split()[0]) for line in out.splitlines() if "told as" in line and "is" in line.split()) == [*wrong]

    def test_json_holds_the_same(self, told, models):
        """One object: the confusion matrix counts each image once, and the worst mistakes come first with their outputs."""
        (found,) = told("evaluate", models / "digits.safetensors", "--worst", 2)
        test, network = datasets.digits().test, cr.load(models / "digits.safetensors")
        counts = np.array(found["confusion"])
        outputs = network.feedforward(test.x)
        assert counts.sum() == found["examples"] == 300
        assert np.trace(counts) / 300 == found["accuracy"]
        assert counts[3].sum() == (test.y == 3).sum()
        assert found["wrong"] == 300 - np.trace(counts)
        for one in found["worst"]:
            assert (one["label"], one["told"]) == (test.y[one["row"]], outputs[one["row"]].argmax())
            assert one["probability"] == pytest.approx(float(outputs[one["row"]].max()))
        margins = [outputs[one["row"], one["told"]] - outputs[one["row"], one["label"]] for one in found["worst"]]
        assert len(margins) == 2
        assert margins[0] >= margins[1]
        assert [one["margin"] for one in found["worst"]] == pytest.approx(margins)

    def test_a_narrow_terminal_cuts_no_count(self, chainrule, mnist_model, monkeypatch):
        """Where the matrix is too wide it loses decimals, and where that is not enough it becomes a list."""
        monkeypatch.setenv("COLUMNS", "60")
        assert "…" not in chainrule("evaluate", mnist_model[0])[1]
        monkeypatch.setenv("COLUMNS", "30")
        assert "most frequent confusions" in chainrule("evaluate", mnist_model[0])[1]

    def test_data_can_be_named(self, told, models):
        """The data on the command line is what is judged by."""
        assert told("evaluate", models / "digits.safetensors", "digits")[0]["data"] == "the test images of digits"

    def test_data_of_another_width_is_refused(self, chainrule, models):
        """MNIST's images are no digits of 8 x 8."""
        status, _, err = chainrule("evaluate", models / "digits.safetensors", "mnist")
        assert status == 2
        assert "takes 64 columns (8 x 8 images), but the test images of mnist have 784 columns (28 x 28 images)" in err

    def test_a_model_without_a_past_needs_data(self, chainrule, told):
        """What was trained elsewhere does not say on what, so that the data has to be named."""
        cr.Network([64, 10], seed=0).save("own.safetensors")
        status, _, err = chainrule("evaluate", "own.safetensors")
        assert status == 2
        assert "name the data" in err
        assert told("evaluate", "own.safetensors", "digits")[0]["examples"] == 300

    def test_many_classes_are_told_as_a_list(self, chainrule):
        """A matrix of 30 classes does not fit, so the most frequent confusions are listed."""
        x = np.eye(30)[np.arange(90) % 30]
        np.savez("many.npz", x=x, y=(np.arange(90) % 30 + (np.arange(90) % 30 == 4)))
        network = cr.Network([30, 30], cost="log_loss", seed=0)
        network.weights[0][...] = 10 * np.eye(30)
        network.save("many.safetensors")
        _, out, _ = chainrule("evaluate", "many.safetensors", "many.npz")
        assert "  5 told as 4: 3 times" in out

    def test_values_list_the_worst_rows(self, chainrule, models):
        """Where y holds values, the rows with the largest errors are listed."""
        _, out, _ = chainrule("evaluate", models / "diabetes.safetensors", "--worst", 3)
        rows = [line.split() for line in out.splitlines() if "told as" in line]
        table = datasets.table(models / "diabetes.csv")
        errors = [abs(table.y[int(row[0])] - float(row[-4].rstrip(","))) for row in rows]
        assert [float(row[-1]) for row in rows] == pytest.approx(errors, rel=1e-4)
        assert all(len(row[-4].rstrip(",").replace(".", "")) <= 6 for row in rows)
        assert len(rows) == 3
        assert errors == sorted(errors, reverse=True)

    def test_one_output_is_judged_by_its_half(self, told):
        """A network with one sigmoid output knows the classes 0 and 1."""
        x = np.linspace(-1, 1, 40)[:, None]
        np.savez("t.npz", x=x, y=(x[:, 0] > 0.2).astype(int))
        network = cr.Network([1, 1], cost="cross_entropy", seed=0)
        network.weights[0][...], network.biases[0][...] = 10, 0
        network.save("one.safetensors")
        (found,) = told("evaluate", "one.safetensors", "t.npz")
        wrong = ((x[:, 0] > 0.2) != (x[:, 0] > 0)).sum()
        assert found["confusion"] == [[int((x[:, 0] <= 0).sum()), int(wrong)], [0, int((x[:, 0] > 0.2).sum())]]
        assert found["worst"][0]["row"] == 23

    def test_braille_has_a_dot_a_pixel(self):
        """28 x 28 pixels are 7 lines of 14 letters; dark pixels leave no dot."""
        image = np.zeros((28, 28), np.uint8)
        assert braille(image) == ["\u2800" * 14] * 7
        image[:] = 255
        assert braille(image) == ["\u28ff" * 14] * 7


class TestPredict:
    """``chainrule predict``."""

    def test_pictures_of_digits(self, told, mnist_model):
        """Test digits, written dark on light and ten times as large, are read as the network reads the originals."""
        test, network = datasets.mnist().test, cr.load(mnist_model[0])
        sure = np.flatnonzero(network.feedforward(test.x[:50]).max(axis=1) > 0.95)[:4]
        for k in sure:
            Image.fromarray(255 - test.x[k].reshape(28, 28)).resize((280, 280)).save(f"{k}.png")
        found = told("predict", mnist_model[0], *(f"{k}.png" for k in sure))
        assert [one["label"] for one in found] == [*network.predict(test.x[sure])]
        assert [one["file"] for one in found] == [f"{k}.png" for k in sure]

    @pytest.mark.parametrize("shape", [(5, 784), (5, 28, 28)])
    def test_rows_of_pixels(self, told, mnist_model, shape):
        """An .npy of pixels is told row by row, flat or as images."""
        x = datasets.mnist().test.x[:5]
        np.save("x.npy", x.reshape(shape))
        a = cr.load(mnist_model[0]).feedforward(x)
        found = told("predict", mnist_model[0], "x.npy", "--outputs")
        assert [one["row"] for one in found] == [0, 1, 2, 3, 4]
        assert [one["label"] for one in found] == [*a.argmax(axis=1)]
        assert np.allclose([one["outputs"] for one in found], a)
        assert np.allclose([one["output"] for one in found], a.max(axis=1))

    @pytest.mark.parametrize("named", [False, True])
    def test_a_csv_with_or_without_names(self, chainrule, models, named):
        """Each row of a csv is a line: where it stands, its label, and with softmax its probability."""
        table, network = datasets.table(models / "wine.csv"), cr.load(models / "wine.safetensors")
        rows = "\n".join(",".join(f"{number:.10g}" for number in row) for row in table.x[:3])
        names = (models / "wine.csv").read_text().splitlines()[0].rpartition(",")[0] + "\n"
        Path("x.csv").write_text(names * named + rows)
        status, out, _ = chainrule("predict", models / "wine.safetensors", "x.csv")
        a = network.feedforward(table.x[:3])
        assert status == 0
        assert out.splitlines() == [
            f"x.csv[{k}]  {row.argmax()}  probability {shown(100 * row.max(), 2, 100)} %" for k, row in enumerate(a)
        ]

    def test_one_row(self, chainrule, models):
        """A row on its own is told without a number, and --outputs tells all outputs."""
        table = datasets.table(models / "wine.csv")
        np.save("row.npy", table.x[0])
        a = cr.load(models / "wine.safetensors").feedforward(table.x[:1])[0]
        _, out, _ = chainrule("predict", models / "wine.safetensors", "row.npy", "-a")
        assert out.startswith(f"row.npy  {a.argmax()}  probability ")
        assert out.endswith("  outputs " + " ".join(shown(value, 4, 1) for value in a) + "\n")

    def test_values(self, told, models):
        """Where the network gives values, the value is told, in the target's units."""
        table = datasets.table(models / "diabetes.csv")
        np.save("x.npy", table.x[:4])
        found = [one["value"] for one in told("predict", models / "diabetes.safetensors", "x.npy")]
        assert np.allclose(found, cr.load(models / "diabetes.safetensors").predict(table.x[:4]))

    @pytest.mark.parametrize(
        ("name", "contents", "says"),
        [
            ("gone.npy", None, "No such file"),
            ("gone.csv", None, "no such file: gone.csv"),
            ("gone.png", None, "cannot use gone.png: a picture is for a model of images, and the model learnt rows of 13 numbers"),
            ("x.csv", b"1,2,3\n", "rows of 3 numbers, but the network takes 13"),
            ("x.csv", b",".join([b"1"] * 14), "leave the target's column out"),
            ("x.csv", b"1,2\n1,2\n1\n", "line 3"),
            ("x.csv", b"1,2\n1,red\n", "line 2"),
            ("x.npy", b"", "no intact .npy"),
            ("x.npy", b"PK\x03\x04 not an array", "no intact .npy"),
            ("x.npy", np.lib.format.magic(1, 0) + b"\x76\x00" + b"(" * 118, "no intact .npy"),
        ],
    )
    def test_what_cannot_be_read_is_told(self, chainrule, models, name, contents, says):
        """A file that is missing, broken or of the wrong width is named in one line, and the others are told; the status is 2."""
        if contents is not None:
            Path(name).write_bytes(contents)
        np.save("good.npy", datasets.table(models / "wine.csv").x[:1])
        status, out, err = chainrule("predict", models / "wine.safetensors", name, "good.npy")
        assert status == 2
        assert re.fullmatch(r"good\.npy  \d  probability [\d.]+ %\n", out)
        assert err.count("\n") == 1
        assert name in err
        assert says in err

    def test_json_tells_a_bad_file_in_its_place(self, chainrule, models):
        """With --json a file that cannot be read is an object with its error."""
        np.save("good.npy", datasets.table(models / "wine.csv").x[:1])
        status, out, _ = chainrule("predict", models / "wine.safetensors", "gone.npy", "good.npy", "--json")
        bad, good = map(json.loads, out.splitlines())
        assert status == 2
        assert bad["file"] == "gone.npy"
        assert "No such file" in bad["error"]
        assert good["file"] == "good.npy"

    def test_nan_is_told_with_the_file(self, chainrule, models):
        """NaN in a row is refused, and the file named."""
        np.save("x.npy", np.full((2, 13), np.nan))
        status, _, err = chainrule("predict", models / "wine.safetensors", "x.npy")
        assert status == 2
        assert "x.npy: x holds NaN or inf" in err

    def test_pickled_objects_are_refused(self, chainrule, models):
        """Nothing in an .npy is executed."""
        np.save("x.npy", np.array([[Path()]], dtype=object), allow_pickle=True)
        status, _, err = chainrule("predict", models / "wine.safetensors", "x.npy")
        assert status == 2
        assert "no intact .npy file of numbers" in err

    def test_a_header_that_claims_too_much_is_refused(self, chainrule, models):
        """An .npy that claims 10^12 rows is refused by its size, before anything is allocated."""
        np.save("x.npy", np.zeros((1, 13)))
        contents = Path("x.npy").read_bytes()
        claim = b"(1000000000000, 13), }"
        Path("x.npy").write_bytes(contents.replace(b"(1, 13), }" + b" " * (len(claim) - 10), claim))
        status, _, err = chainrule("predict", models / "wine.safetensors", "x.npy")
        assert status == 2
        assert "no intact .npy file" in err


class TestColumnsByName:
    """A table's columns are matched by their names, where both the model and the table have some."""

    @pytest.fixture
    def trained(self, told):
        """A model of three columns p, q, r; the rows it was trained on."""
        rows = np.random.default_rng(0).normal(size=(80, 3)) * [1, 10, 100]
        y = rows[:, 0] > 0
        self.write("train.csv", "p,q,r,y", [*rows.T, y])
        told("train", "train.csv", *FAST, "--out", "m.safetensors")
        return rows, y

    @staticmethod
    def write(path, names, columns):
        """Write columns as a csv under a line of names."""
        np.savetxt(path, np.column_stack(columns), delimiter=",", header=names, comments="", fmt="%.17g")

    def test_the_model_keeps_them(self, trained, told):
        """The names of the columns without the target's stand in the model, in their order."""
        assert cr.load("m.safetensors").provenance.columns == ["p", "q", "r"]
        told("train", "train.csv", *FAST, "--target", "q", "--out", "q.safetensors")
        assert cr.load("q.safetensors").provenance.columns == ["p", "r", "y"]

    def test_another_order_predicts_the_same(self, trained, told):
        """Columns in another order, with one more among them, are told as in their own order."""
        p, q, r = trained[0].T
        self.write("turned.csv", "r,more,q,p", [r, q * 0, q, p])
        expected = cr.load("m.safetensors").feedforward(trained[0])
        found = [one["outputs"] for one in told("predict", "m.safetensors", "turned.csv", "--outputs")]
        assert np.allclose(found, expected, atol=1e-6)

    def test_another_order_is_judged_the_same(self, trained, told):
        """An evaluation finds the columns by name too; a parquet file's names count as a csv's do."""
        pa = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        (p, q, r), y = trained[0].T, trained[1]
        expected = cr.load("m.safetensors").cost((trained[0], y.astype(int)))
        self.write("turned.csv", "r,q,more,p,y", [r, q, p * 0, p, y])
        parquet.write_table(pa.table({"r": r, "q": q, "p": p, "y": y.astype(float)}), "turned.parquet")
        for name in ("turned.csv", "turned.parquet"):
            assert told("evaluate", "m.safetensors", name)[0]["cost"] == pytest.approx(expected, rel=1e-6)

    @pytest.mark.parametrize("command", ["predict", "evaluate"])
    def test_a_missing_one_is_told(self, trained, chainrule, command):
        """A column that the model was trained on and the table lacks is named in one line; the status is 2."""
        self.write("short.csv", "r,z,p,y", [*trained[0].T, trained[1]])
        status, out, err = chainrule(command, "m.safetensors", "short.csv")
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert "has no column 'q'" in err

    def test_without_names_the_place_counts(self, trained, told):
        """A table without a line of names is taken as it stands."""
        np.savetxt("bare.csv", trained[0] + 0.001, delimiter=",", fmt="%.17g")
        expected = cr.load("m.safetensors").feedforward(trained[0] + 0.001)
        found = [one["outputs"] for one in told("predict", "m.safetensors", "bare.csv", "--outputs")]
        assert np.allclose(found, expected, atol=1e-6)

    @pytest.mark.parametrize("columns", [None, "pqr", [1], [None], ["a"] * (10**6 + 1)])
    def test_a_file_that_says_otherwise_is_refused(self, trained, columns):
        """A model file's columns are a list of names, of which there are no more than a million."""
        described = {**vars(cr.load("m.safetensors").provenance), "columns": columns}
        with pytest.raises((ValueError, TypeError)):
            Provenance.parse(described)

    def test_too_many_names_are_left_out(self):
        """Names that would make a model file too large to read again are not kept, nor such as come twice."""
        assert names_to_keep(["a" * 9] * 2) == names_to_keep([f"{k:099}" for k in range(9999)]) == ()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux's")
class TestOutputThatCannotBeWritten:
    """Standard output that is closed, full, or in letters that it does not have."""

    @pytest.mark.parametrize("options", [("--json",), (), ("--quiet",)])
    def test_a_training_is_saved_all_the_same(self, options):
        """On a full disk it is said once that nothing can be written; the model is saved, and the status is 1."""
        with Path("/dev/full").open("w") as full:
            command = [sys.executable, "-m", "chainrule", "train", "digits", *FAST, *options]
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=ENVIRONMENT)
        assert done.returncode == 1
        assert re.fullmatch(r"chainrule: error: cannot write standard output \(No space left .*\n", done.stderr)
        assert cr.load("digits.safetensors").provenance.epochs == 2

    @pytest.mark.parametrize("command", ["info", "evaluate", "--help", "--version"])
    def test_other_commands_say_so(self, models, command):
        """A full disk is told in one line, with status 1."""
        arguments = [command] if command.startswith("-") else [command, str(models / "wine.safetensors")]
        with Path("/dev/full").open("w") as full:
            command = [sys.executable, "-m", "chainrule", *arguments]
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=ENVIRONMENT)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert "cannot write standard output (No space left" in done.stderr

    @pytest.mark.parametrize("command", ["info m.safetensors", "evaluate m.safetensors digits", "train digits -e 1 -H 4", "--help"])
    def test_a_closed_output_is_no_accident(self, command):
        """With ``>&-`` a command does its work without a word."""
        cr.Network([64, 10], seed=0).save("m.safetensors")
        shell = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-m", "chainrule", *command.split()]
        done = subprocess.run(shell, stderr=subprocess.PIPE, text=True, check=False, env=ENVIRONMENT)
        assert (done.returncode, done.stderr) == (0, "")

    def test_letters_that_it_does_not_have_are_written_as_numbers(self):
        """A file's name beyond ASCII does not end a program whose output is ASCII."""
        cr.Network([2, 1], seed=0).save("mod\u00e8le.safetensors")
        done = process("info", "mod\u00e8le.safetensors", env={**ENVIRONMENT, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1"})
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("mod\\xe8le.safetensors")

    def test_a_warning_is_a_line(self):
        """A UserWarning is told in one line under the program's name, and the status stays 0."""
        code = (
            "import warnings, chainrule.cli as cli\n"
            "def slow(): warnings.warn('no kernels here')\n"
            "cli.app.command('slow')(slow); cli.COMMANDS['slow'] = slow\n"
            "cli.main(['slow'])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=ENVIRONMENT)
        assert (done.returncode, done.stderr) == (0, "chainrule: warning: no kernels here\n")


class TestWhatIsNotReplaced:
    """Files that a model does not take the place of."""

    @pytest.mark.parametrize("contents", [b"mine", b"\x02" + bytes(7) + b"{}", b"\xff" * 64, b"\x02" + bytes(7) + b"[]"])
    def test_what_is_no_model_stays(self, chainrule, contents):
        """A file that is no model, such as the data, is left alone, and one line says what to do; the status is 2."""
        Path("mine.idx").write_bytes(contents)
        status, out, err = chainrule("train", "digits", "--out", "mine.idx")
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert "is no chainrule model; remove it, or choose another name" in err
        assert Path("mine.idx").read_bytes() == contents

    def test_an_empty_file_may_go(self, chainrule):
        """An empty file is replaced."""
        Path("m.safetensors").touch()
        assert chainrule("train", "digits", *FAST, "--out", "m.safetensors")[0] == 0
        assert cr.load("m.safetensors").sizes[0] == 64

    @pytest.mark.skipif(sys.platform == "win32", reason="links are not everyone's there")
    @pytest.mark.parametrize(
        "arguments", ["train LONG", "train loop", "train loop.csv", "train digits -o loop", "train digits -o LONG"]
    )
    def test_names_that_no_file_can_have(self, chainrule, arguments):
        """A name that is too long, and links that go in a circle, are told in one line; the status is 2."""
        for loop in ("loop", "loop.csv"):
            Path(loop).symlink_to(loop)
        status, out, err = chainrule(*arguments.replace("LONG", 300 * "n").split())
        assert (status, out, err.count("\n")) == (2, "", 1)


class TestInfo:
    """``chainrule info``."""

    def test_it_tells_sizes_parameters_and_training(self, chainrule, models):
        """What the model is and how it was trained, in words."""
        status, out, err = chainrule("info", models / "digits.safetensors")
        text = " ".join(out.split())
        assert (status, err) == (0, "")
        for said in ("sizes 64 x 64 x 10", "parameters 4,810 (float32)", "activations relu > softmax", "cost log_loss"):
            assert said in text
        for said in ("trained on digits, 1,197 examples", "learning rate 0.003, constant", "batches of 32", "optimizer adam"):
            assert said in text

    def test_early_stopping_names_the_best_epoch(self, chainrule, told):
        """After early stopping the epochs done and the epoch whose parameters were kept are both told."""
        summary = told("train", "digits", "--early-stopping", 1, "--learning-rate", 0.05)[-1]
        said = f"{summary['epochs']} epochs, stopped early; parameters of the best, epoch {summary['best_epoch']}, after"
        assert said in chainrule("info", "digits.safetensors")[1]

    def test_an_untrained_network(self, chainrule):
        """A network that was never trained says so."""
        cr.Network([2, 3, 1], seed=4).save("new.safetensors")
        _, out, _ = chainrule("info", "new.safetensors")
        assert "not yet" in out
        assert "normal, seed 4" in out

    def test_a_strange_past_is_harmless(self, chainrule, models):
        """A model file may say anything of its training: terminal codes are not printed, and missing settings are left out."""
        network = cr.load(models / "digits.safetensors")
        network.provenance = replace(network.provenance, plan={"layers": 3, "optimizer": []}, data="\x1b[2J\nroot")
        network.save("odd.safetensors")
        status, out, _ = chainrule("info", "odd.safetensors")
        assert status == 0
        assert "\x1b" not in out
        assert "trained on    ?[2J root" in out.replace("\x1b", "")


class TestDecisions:
    """What is decided on the way, as plain functions."""

    @pytest.mark.parametrize("size", [1e200, 1e-200])
    def test_columns_of_any_size_are_scaled(self, size):
        """Columns times 1e200 or 1e-200 are scaled to what they are without it."""
        x = np.random.default_rng(0).normal(size=(40, 2))
        small, large = (scale_table(cr.Examples(part), cr.Examples(part), targets=False).train.x for part in (x, x * size))
        assert np.allclose(small, large)
        assert np.allclose(large.std(axis=0), 1)

    @pytest.mark.parametrize("size", [1.0, 1e200, 1e-200])
    def test_r2_has_no_unit(self, size):
        """R^2 is the same in any unit of the target, and None where that does not vary."""
        y, a = np.array([[1.0], [2], [4]]), np.array([[1.5], [2], [3]])
        assert determination(y * size, a * size) == pytest.approx(1 - 1.25 / (14 / 3))
        assert determination(np.full((3, 1), size), a * size) is None

    @pytest.mark.parametrize(("size", "says"), [(1e308, "too large"), (1e-300, "too small")])
    def test_a_column_beyond_all_scales_is_named(self, size, says):
        """A column that float64 cannot scale is told by its number."""
        x = np.random.default_rng(0).uniform(-1, 1, size=(40, 2)) * [1, size]
        with pytest.raises(cr.errors.DataError, match=f"column 1 .*{says}"):
            scale_table(cr.Examples(x), cr.Examples(x), targets=False)

    def test_the_notes_values_are_the_defaults_for_mnist(self):
        """Page 3's network, and the book's step."""
        assert defaults_for("mnist", "classes") == NOTES
        assert (NOTES.hidden, NOTES.epochs, NOTES.batch_size, NOTES.learning_rate) == ((30,), 30, 10, 3.0)

    @pytest.mark.parametrize(
        ("chosen", "rate"),
        [
            ({}, 3.0),
            ({"hidden": (100,)}, 3.0),
            ({"optimizer": "adam"}, 0.001),
            ({"optimizer": "momentum"}, 0.3),
            ({"momentum": 0.5}, 1.5),
            ({"cost": "cross_entropy"}, 0.5),
            ({"activation": ("relu",)}, 0.1),
            ({"optimizer": "adam", "learning_rate": 0.5}, 0.5),
        ],
    )
    def test_the_learning_rate_follows_unless_it_is_chosen(self, chosen, rate):
        """A rate that belongs to other settings is not kept when those change; a chosen one always is."""
        assert settle(NOTES, chosen).learning_rate == rate

    @pytest.mark.parametrize("kind", ["mnist", "digits", "images", "table"])
    @pytest.mark.parametrize("task", ["classes", "values"])
    @pytest.mark.parametrize("chosen", [{}, *({"cost": cost} for cost in COSTS), *({"output": name} for name in ACTIVATIONS)])
    def test_every_single_choice_makes_a_network(self, kind, task, chosen):
        """Whatever cost or output is chosen alone, the other follows so that the two agree."""
        settings = settle(defaults_for(kind, task), chosen)
        network = cr.Network([3, 4, 2], activation=settings.activation[0], output=settings.output, cost=settings.cost, seed=0)
        assert all(getattr(settings, name) == value for name, value in chosen.items())
        assert network.parameters > 0

    def test_a_quadratic_cost_of_values_is_not_squashed(self):
        """Values need the identity at the output, also under the notes' cost."""
        assert settle(defaults_for("table", "values"), {"cost": "quadratic"}).output == "identity"

    def test_what_was_taken_can_be_typed(self):
        """The line that says which defaults were taken names options, and none that the user gave."""
        said = taken(TABLE, {"hidden": (5,)})
        assert "--learning-rate 0.003" in said
        assert "--hidden" not in said
        assert "--dropout" not in said

    @pytest.mark.parametrize(
        ("y", "task"),
        [
            (np.arange(100) % 2, "classes"),
            (np.arange(100) % 2 * 1.0, "classes"),
            (np.arange(100) % 20, "classes"),
            (np.arange(100) % 21, "values"),
            (np.arange(100) % 50 - 1, "values"),
            (np.arange(12), "values"),
            (np.arange(100) / 7, "values"),
            (np.arange(3000) % 100, "classes"),
            (np.arange(3000) % 2 * 5000, "values"),
            (np.eye(3)[np.arange(30) % 3], "classes"),
            (np.ones((30, 2)), "values"),
            (np.arange(30.0)[:, None], "values"),
        ],
    )
    def test_classes_are_told_from_values(self, y, task):
        """Whole numbers from 0 that come again and again, or rows with one 1, are classes."""
        assert task_of(cr.Examples(np.ones((len(y), 1)), y)) == task

    def test_a_chosen_cost_decides_the_task(self):
        """Values or classes are as the chosen cost or output has it, else as found."""
        assert chosen_task("classes", {"cost": "mean_squared_error"}) == "values"
        assert chosen_task("values", {"output": "softmax"}) == "classes"
        assert chosen_task("values", {"cost": "quadratic"}) == "values"

    def test_outputs_are_counted_over_all_parts(self):
        """A class that only the test part holds has its output too; two are the least."""
        x = np.ones((60, 1))
        parts = split_table(Source("t"), cr.Examples(x, np.r_[np.zeros(59), 1].astype(int)), 0)
        assert outputs_for(parts, "classes") == 2
        assert outputs_for(split_table(Source("t"), cr.Examples(x, np.zeros(60, int)), 0), "classes") == 2
        assert outputs_for(parts, "values") == 1

    @pytest.mark.parametrize("source", [Source("mnist"), Source("a/b.csv"), Source("a.csv", "kind"), Source("a#b.csv", "c")])
    def test_a_source_is_read_as_it_was_written(self, source):
        """The data's name in a model leads back to the data and its target."""
        assert Source.parse(str(source)) == source

    def test_a_path_with_a_mark_of_its_own(self):
        """A file whose name holds a # is a file."""
        Path("a#b.csv").touch()
        assert Source.parse("a#b.csv") == Source("a#b.csv")

    @pytest.mark.parametrize(
        ("name", "path"), [("mnist", "mnist"), ("digits", "digits"), ("some/wine.csv", "wine"), ("fashion/", "fashion")]
    )
    def test_the_model_is_named_after_the_data(self, name, path):
        """By default the model goes to the working folder."""
        assert Source(name).model_path == Path(f"{path}.safetensors")
