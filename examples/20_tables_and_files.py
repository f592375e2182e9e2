"""
Tables and files
================

Results are ``xarray`` datasets: axes with names, variables with units, and the configuration that
made them. They become tables, files, and what they were again.
"""

import json
import tempfile
from pathlib import Path

import xarray as xr

import gradflow as gf

run = gf.train(gf.Neuron(b2=-1.2), gf.Problem(), gf.GD(lr=[0.1, 0.3]), steps=200)
table = run[["loss", "breakpoint"]].to_dataframe()
print(table.tail(3))
print({name: run[name].attrs.get("units") for name in ("w1", "loss", "breakpoint")})

# %%
# A file keeps everything. (``pip install '.[store]'`` brings what compresses; this needs
# only SciPy.)

path = Path(tempfile.mkdtemp()) / "run.nc"
run.to_netcdf(path, engine="scipy")
again = xr.load_dataset(path, engine="scipy")
print("the same numbers:", bool((again.loss == run.loss).all()))
print("made by:", json.loads(again.attrs["configuration"])["optimizer"])

# %%
# What was read is drawn as what was computed; ``run.loss.plot.line(x="step", hue="lr",
# yscale="log")`` is ``xarray``'s own way.

figure = gf.figures.loss(again)
figure
