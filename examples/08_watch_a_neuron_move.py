"""
Watch a neuron move
===================

Snapshots in a row for a page, a film for a talk. The moments are chosen so that equal parts of the
way through parameter space lie between them: 501 recorded states do not make 501 panels.
"""

import gradflow as gf

run = gf.train(gf.Neuron(b1=0.4, b2=-1.0), gf.Problem(), gf.Adam(lr=0.01), steps=500)

# %%
# A neuron is a function: call it. So is the target.

end = gf.student(run)
print("at x = 0.5:", float(end(0.5)), "wanted:", float(gf.Problem().target_at(0.5)))

# %%
# The film shows itself in a notebook; ``film.save("run.gif")`` writes it.

film = gf.figures.movie(run, count=12)
print(type(film).__name__)

# %%

figure = gf.figures.students(run, count=6, columns=7)
figure
