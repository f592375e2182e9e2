"""Results have named variables with units, and come back from files and tables as they were."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import gradflow as gf

RESULTS: dict[str, Callable[[], xr.Dataset]] = {
    "flow": lambda: gf.gradient_flow(gf.Neuron(b2=-1.2), t_end=2.0),
    "rates": lambda: gf.train(gf.Neuron(b2=-1.2), gf.Problem(), gf.GD(lr=[0.1, 0.3]), 5),
    "starts": lambda: gf.train(gf.Neuron(b2=np.array([1.0, 2.0])), gf.Problem(), gf.Adam(0.1), 5),
    "network": lambda: gf.train(
        gf.networks.line.start("uniform", 3, seed=1), gf.Problem(target="abs"), steps=3
    ),
    "network's flow": lambda: gf.gradient_flow(gf.Network([1.0], [0.1], [1.0]), t_end=0.5),
    "basins": lambda: gf.basins(b1=(-1, 1, 3), lr=(1e-3, 0.1, 3, "log"), method="gd", steps=5),
}


@pytest.mark.parametrize("name", RESULTS)
def test_every_variable_says_what_it_is(name: str) -> None:
    for variable, values in RESULTS[name]().variables.items():
        assert "long_name" in values.attrs, variable
        if values.dtype.kind == "f":
            assert "units" in values.attrs, variable


@pytest.mark.parametrize("name", RESULTS)
def test_files_keep_everything(name: str, tmp_path: Path) -> None:
    result = RESULTS[name]()
    result.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    xr.testing.assert_identical(xr.load_dataset(tmp_path / "a.nc", engine="h5netcdf"), result)
    plain = result.drop_vars([v for v in result.variables if result[v].dtype.kind == "U"])
    plain.to_netcdf(tmp_path / "b.nc", engine="scipy")
    xr.testing.assert_allclose(xr.load_dataset(tmp_path / "b.nc", engine="scipy"), plain, rtol=0.0)


@pytest.mark.parametrize("name", RESULTS)
def test_tables_keep_the_numbers(name: str) -> None:
    result = RESULTS[name]()
    index = list(result["loss"].dims)
    numbers = result[
        [v for v in result.data_vars if result[v].dtype.kind == "f" and set(result[v].dims) == set(index)]
    ]
    table = numbers.to_dataframe()
    assert list(table.index.names) == index
    again = xr.Dataset.from_dataframe(table)
    for variable in numbers.data_vars:
        np.testing.assert_array_equal(again[variable].transpose(*numbers[variable].dims), numbers[variable])
