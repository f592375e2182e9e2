"""States of the explorer, drawn at random."""

from __future__ import annotations

from hypothesis import strategies as st

from gradflow.descent import OPTIMIZERS
from gradflow.explore.state import BACKDROPS, LAWS, SHOWN, State, knots_text

numbers = st.floats(-1e6, 1e6, allow_nan=False)
positive = st.floats(1e-3, 1e2)


@st.composite
def states(draw: st.DrawFn) -> State:
    """Return a state of fields that are all right, but not always beside one another."""
    m = draw(st.integers(1, 4))
    several = st.lists(numbers, min_size=m, max_size=m).map(tuple)
    knots = st.lists(st.tuples(numbers, numbers), min_size=2, max_size=5).map(
        lambda pairs: knots_text(tuple(x for x, _ in pairs), tuple(y for _, y in pairs))
    )
    return State(
        w1=draw(several),
        b1=draw(several),
        w2=draw(several),
        b2=draw(numbers),
        teacher=draw(st.tuples(numbers, numbers, numbers, numbers)),
        interval=draw(st.tuples(numbers, numbers)),
        activation=draw(st.sampled_from(["relu", "silu", "leaky-relu=0.1", "slopes=-1.0,2.0", "abs"])),
        teacher_activation=draw(st.sampled_from(["same", "relu", "tanh"])),
        target=draw(st.one_of(st.sampled_from(["teacher", "abs", "hat", "step"]), knots)),
        law=draw(st.sampled_from(LAWS)),
        optimizer=draw(st.sampled_from([name for name in OPTIMIZERS if name != "gd"])),
        hyper=draw(st.sampled_from(["", "beta2=0.9", "eps=0.001,amsgrad=true"])),
        lr=draw(positive),
        t_end=draw(positive),
        plane=draw(st.sampled_from(["b1,b2", "w2,w1"])),
        backdrop=draw(st.sampled_from(BACKDROPS)),
        shown=draw(st.sampled_from(SHOWN)),
        at=draw(st.floats(0.0, 1.0)),
    )
