"""The order of an epoch's examples, its mini-batches, and the blocks it is cut into."""

import numpy as np
import pytest
from scipy import sparse
from training_cases import X, Y, make_network, train_network

import chainrule as cr
from chainrule.epoch_blocks import block_length, epoch_order


def test_an_order_is_a_permutation_that_seed_and_epoch_decide():
    """``epoch_order`` repeats for the same seed and epoch, and differs between seeds and between epochs."""
    order = epoch_order(100, 5, 1)
    assert sorted(order) == list(range(100))
    assert order.tolist() == epoch_order(100, 5, 1).tolist()
    assert order.tolist() != epoch_order(100, 5, 2).tolist()
    assert order.tolist() != epoch_order(100, 6, 1).tolist()


def test_without_shuffle_every_epoch_has_the_order_of_the_data():
    """With ``shuffle=False`` the seed does not matter; with shuffle it does."""
    assert train_network(shuffle=False, seed=1)[0] == train_network(shuffle=False, seed=2)[0]
    assert train_network(seed=1)[0] != train_network(seed=2)[0]
    assert train_network(seed=1)[0] != train_network(shuffle=False)[0]


def test_the_last_mini_batch_may_be_short():
    """Without shuffle, an epoch over 10 examples in batches of 4 is a step over 4, over 4, and over the last 2."""
    once, in_parts = make_network(dtype="float64"), make_network(dtype="float64")
    cr.train(once, (X[:10], Y[:10]), epochs=1, batch_size=4, learning_rate=0.5, shuffle=False)
    for rows in (slice(0, 4), slice(4, 8), slice(8, 10)):
        cr.train(in_parts, (X[rows], Y[rows]), epochs=1, batch_size=4, learning_rate=0.5, shuffle=False)
    np.testing.assert_allclose(once.weights[0], in_parts.weights[0], rtol=1e-12)


def test_a_batch_size_above_n_is_all_examples():
    """With ``batch_size > n`` an epoch is one step over all examples."""
    assert train_network(batch_size=1000)[0] == train_network(batch_size=60)[0]
    assert cr.Run(make_network(), (X, Y), epochs=4, batch_size=1000, learning_rate=1).steps == 4


@pytest.mark.parametrize(
    ("sizes", "batch_size", "expected"),
    [
        ([784, 30, 10], 10, 7090),  # the notes' network
        ([4, 6, 3], 8, 13_304),
        ([1, 1], 1, 3333),
        ([2000, 2000, 2000, 10], 512, 512),  # one mini-batch, however long it takes
        ([4, 3], 10**9, 10**9),
    ],
)
def test_a_block_is_about_50_ms_in_whole_mini_batches(sizes, batch_size, expected):
    """The length of a block depends on the plan and the data alone, and is at least one mini-batch."""
    run = cr.Run(cr.Network(sizes, seed=0), (np.ones((2, sizes[0])), [0, 0]), epochs=1, batch_size=batch_size, learning_rate=1)
    actual = block_length(run.plan, run.examples)
    assert actual % batch_size == 0
    assert actual == expected


def test_a_block_of_sparse_rows_is_longer():
    """Rows with few stored entries cost less arithmetic, so that a block holds more of them."""
    x = np.zeros((2, 5000))
    x[:, 0] = 1
    net = cr.Network([5000, 100, 10], seed=0)
    lengths = []
    for inputs in (x, sparse.csr_array(x)):
        run = cr.Run(net, (inputs, [0, 1]), epochs=1, batch_size=100, learning_rate=1)
        lengths.append(block_length(run.plan, run.examples))
    dense, stored_entries_only = lengths
    assert stored_entries_only > 2 * dense
