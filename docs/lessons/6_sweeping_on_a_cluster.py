"""
Sweeping on a cluster
=====================

A sweep is a grid cut into blocks that depend on nothing else. So it may be larger than the memory, may be interrupted, and
may run on other machines. Here it runs in a folder of its own, small; the commands at the end are for the large ones.
"""

import gradflow as gf

# %%
# A grid over anything, rates too; a range may be logarithmic.

found = gf.basins(b2=(-2.0, 0.0, 20), lr=(1e-2, 1.0, 12, "log"), method="gd", steps=800)
figure = gf.figures.outcomes(found)
figure

# %%
# On the command line a name that ends in .zarr is a store that grows. After Ctrl-C, or a machine that failed, the same command
# finds the finished blocks and computes the others; the result is the same to the bit.
#
# .. code-block:: sh
#
#    pip install '.[store,cluster]'
#    gradflow basins --grid b1 -2.5 2.5 1000 --grid b2 -3 3 1000 --method adam --out sweep.zarr
#
# With workers elsewhere, give the address of a Dask scheduler; all have the same version of gradflow.
#
# .. code-block:: sh
#
#    dask scheduler --host 127.0.0.1 --port 8786 &
#    dask worker tcp://127.0.0.1:8786 --nthreads 1 &
#    gradflow basins --grid b1 -2.5 2.5 1000 --grid b2 -3 3 1000 --method adam --out sweep.zarr \
#        --cluster tcp://127.0.0.1:8786
#
# Nothing on a cluster is encrypted or asks for a password unless Dask is told so. Smaller blocks (``--block 1000``) keep more
# workers busy. A store may be read at any time, while it grows: starts that have not been computed yet have the outcome −1.
#
# .. code-block:: python
#
#    import xarray as xr
#
#    xr.open_zarr("sweep.zarr")
