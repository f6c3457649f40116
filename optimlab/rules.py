"""The optimizers, sorted by age, one plain function each.

Every function makes one step: it takes the weight ``w`` and the gradient ``g``, its state with
the initial value, and its hyper-parameters, and returns the new weight and state. What else the
course shows of an optimizer (tables, equations, widgets) is derived from these lines.
"""

from numpy import sqrt

from .rule import Rule


@Rule
def gradient_descent(w, g, *, lr=0.01):
    """Gradient descent: a step against the gradient, its length set by the learning rate.

    Source: Cauchy (1847); with the gradient of a sample, Robbins and Monro (1951).
    Same as ``torch.optim.SGD`` without momentum.
    """
    w = w - lr * g
    return w


@Rule
def adam(w, g, t, m=0.0, v=0.0, *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    """Adam: an average of gradients over the root of an average of their squares, both bias-corrected.

    Source: Kingma and Ba (2015), algorithm 1. ``eps`` stands outside the root and is added to the
    corrected root, as in ``torch.optim.Adam`` and optax; Keras adds it to the uncorrected one.
    """
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    w = w - lr * m_hat / (sqrt(v_hat) + eps)
    return w, m, v
