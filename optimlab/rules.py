"""The optimizers, sorted by age, one plain function each.

Every function makes one step: it takes the weight ``w`` and the gradient ``g``, the step count
``t`` where it needs it, its state with the initial value, and its hyper-parameters; it returns the
new weight and state. What else the course shows of an optimizer (tables, equations, widgets, the
PyTorch class) is derived from these lines.

Names are the same everywhere: ``v`` is a velocity or an average of squares, ``m`` an average of
gradients, ``s`` an accumulator of squares, ``momentum`` the share of the velocity that is kept,
``rho`` that of the squares, ``beta1`` and ``beta2`` the two of Adam.
"""

from numpy import abs, maximum, sign, sqrt

from .rule import Rule

# 1847 to 1983: the gradient, and its memory.


@Rule
def gradient_descent(w, g, *, lr=0.01):
    """Gradient descent: a step against the gradient, its length set by the learning rate.

    Source: Cauchy (1847); with the gradient of a sample, Robbins and Monro (1951).
    Same as ``torch.optim.SGD`` without momentum.
    """
    w = w - lr * g
    return w


@Rule
def momentum(w, g, v=0.0, *, lr=0.01, momentum=0.9):
    """Momentum, the sum: the velocity adds up gradients and forgets a share of them at every step.

    Under a constant gradient the velocity grows to ``g / (1 - momentum)``. Source: Polyak (1964).
    Same as ``torch.optim.SGD`` with ``dampening=0`` and as ``optax.trace``; Keras and scikit-learn
    keep the learning rate inside, see `momentum_lr_inside`.
    """
    v = momentum * v + g
    w = w - lr * v
    return w, v


@Rule
def momentum_average(w, g, v=0.0, *, lr=0.01, momentum=0.9):
    """Momentum, the average: the velocity is an exponentially weighted average of gradients.

    The same path as `momentum` with ``1 - momentum`` times the learning rate. MLX with
    ``dampening=momentum``; ``torch.optim.SGD`` with the same starts its velocity at the whole first
    gradient, without dampening, so that its first steps are larger.
    """
    v = momentum * v + (1 - momentum) * g
    w = w - lr * v
    return w, v


@Rule
def momentum_lr_inside(w, g, v=0.0, *, lr=0.01, momentum=0.9):
    """Momentum with the learning rate inside the velocity, which is then the step itself.

    The same path as `momentum` while the learning rate is constant. When it drops, the velocity here
    still carries the old rate. Source: Rumelhart, Hinton and Williams (1986); Keras and scikit-learn.
    """
    v = momentum * v - lr * g
    w = w + v
    return w, v


@Rule
def nesterov_lookahead(w, g, v=0.0, *, lr=0.01, momentum=0.9):
    """Nesterov's accelerated gradient: first the step that the velocity makes, then the gradient there.

    The gradient belongs to the look-ahead point, which the rule declares (``gradient_at``). Source:
    Nesterov (1983), in the form of Sutskever et al. (2013) with the learning rate outside.
    """
    v = momentum * v + g
    w = w - lr * v
    return w, v


@nesterov_lookahead.gradient_at
def _look_ahead(w, v, *, lr, momentum):
    """Where the gradient is taken: where the old velocity alone would lead."""
    return w - lr * momentum * v


@Rule
def nesterov(w, g, v=0.0, *, lr=0.01, momentum=0.9):
    """Nesterov's accelerated gradient with the gradient at the weight itself.

    Its weights are the look-ahead points of `nesterov_lookahead`, while the learning rate is constant.
    Source: Bengio, Boulanger-Lewandowski and Pascanu (2013). Same as ``torch.optim.SGD`` with
    ``nesterov=True`` and ``optax.sgd(nesterov=True)``.
    """
    v = momentum * v + g
    w = w - lr * (g + momentum * v)
    return w, v


# 2011 to 2012: a rate for every weight.


@Rule
def adagrad(w, g, s=0.0, *, lr=0.01, eps=1e-10):
    """AdaGrad: the rate of a weight falls with the root of the sum of its squared gradients.

    Source: Duchi, Hazan and Singer (2011). Same as ``torch.optim.Adagrad``; optax and Keras start the
    sum at 0.1 and put ``eps`` inside the root.
    """
    s = s + g**2
    w = w - lr * g / (sqrt(s) + eps)
    return w, s


@Rule
def adadelta(w, g, s=0.0, d=0.0, *, lr=1.0, rho=0.9, eps=1e-6):
    """Adadelta: the step has the size of recent steps, so that no learning rate is needed.

    ``s`` averages squared gradients, ``d`` squared steps; ``eps`` stands inside both roots and starts
    the whole thing. Source: Zeiler (2012). Same as ``torch.optim.Adadelta``; Keras takes ``lr=0.001``,
    ``rho=0.95`` and ``eps=1e-7``.
    """
    s = rho * s + (1 - rho) * g**2
    step = sqrt(d + eps) / sqrt(s + eps) * g
    d = rho * d + (1 - rho) * step**2
    w = w - lr * step
    return w, s, d


@Rule
def rmsprop(w, g, s=0.0, *, lr=0.01, rho=0.99, eps=1e-8):
    """RMSprop: the gradient divided by the root of an average of its squares.

    No bias correction: the first step is ``lr / sqrt(1 - rho)``. Source: Tieleman and Hinton (2012),
    with ``rho=0.9``. Same as ``torch.optim.RMSprop`` (whose ``alpha`` is ``rho``); Keras and optax put
    ``eps`` inside the root and take ``rho=0.9``.
    """
    s = rho * s + (1 - rho) * g**2
    w = w - lr * g / (sqrt(s) + eps)
    return w, s


@Rule
def rmsprop_centered(w, g, s=0.0, a=0.0, *, lr=0.01, rho=0.99, eps=1e-8):
    """Centered RMSprop: divided by the root of the variance, squares less the square of the average.

    Under a constant gradient the variance goes to zero and may, by rounding, fall below it: the
    result is then undefined, as in torch. Source: Graves (2013), who has ``eps`` inside the root, as
    Keras and optax have it. Same as ``torch.optim.RMSprop(centered=True)``.
    """
    s = rho * s + (1 - rho) * g**2
    a = rho * a + (1 - rho) * g
    w = w - lr * g / (sqrt(s - a**2) + eps)
    return w, s, a


@Rule
def rmsprop_momentum(w, g, s=0.0, v=0.0, *, lr=0.01, rho=0.99, momentum=0.9, eps=1e-8):
    """RMSprop with momentum: the velocity adds up gradients that are already divided.

    Same as ``torch.optim.RMSprop(momentum=...)``, with the learning rate outside the velocity; Keras
    and optax keep it inside.
    """
    s = rho * s + (1 - rho) * g**2
    v = momentum * v + g / (sqrt(s) + eps)
    w = w - lr * v
    return w, s, v


# 2015: Adam, and what its details change.


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


@Rule
def adam_eps_inside(w, g, t, m=0.0, v=0.0, *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    """Adam with ``eps`` inside the root, as some of the notes write it.

    No library does this by default; in optax it is ``eps_root``. It matters where the gradient is
    smaller than the root of ``eps``.
    """
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    w = w - lr * m_hat / sqrt(v_hat + eps)
    return w, m, v


@Rule
def adam_uncorrected(w, g, m=0.0, v=0.0, *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    """Adam without bias correction: its first steps are too large, not too small.

    The root starts further below its target than the average of gradients does. The default of MLX.
    """
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    w = w - lr * m / (sqrt(v) + eps)
    return w, m, v


@Rule
def adamax(w, g, t, m=0.0, u=0.0, *, lr=0.002, beta1=0.9, beta2=0.999, eps=1e-8):
    """AdaMax: Adam with the largest recent gradient in place of the root mean square.

    ``u`` needs no correction: from the first step on it is at least as large as the gradient. Source:
    Kingma and Ba (2015), section 7.1, without ``eps``. Same as ``torch.optim.Adamax`` and optax, with
    ``eps`` inside the maximum; Keras and MLX add it to ``u``, and MLX does not correct ``m``.
    """
    m = beta1 * m + (1 - beta1) * g
    u = maximum(beta2 * u, abs(g) + eps)
    m_hat = m / (1 - beta1**t)
    w = w - lr * m_hat / u
    return w, m, u


# 2016: Adam with Nesterov's momentum.


@Rule
def nadam(w, g, t, m=0.0, v=0.0, p=1.0, *, lr=0.002, beta1=0.9, beta2=0.999, eps=1e-8, psi=0.004):
    """Nadam with the momentum schedule of its author: the share of the gradient falls with time.

    ``p`` is the product of all shares so far. Source: Dozat (2016), who lets ``mu`` also average the
    gradients and multiplies ``v_hat`` by ``beta2``. Same as ``torch.optim.NAdam``, whose
    ``momentum_decay`` is ``psi``; Keras has ``psi=1``. A very large ``psi`` gives `nadam_constant`.
    """
    mu = beta1 * (1 - 0.5 * 0.96 ** (t * psi))
    mu_next = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * psi))
    p = p * mu
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    v_hat = v / (1 - beta2**t)
    m_bar = mu_next * m / (1 - p * mu_next) + (1 - mu) * g / (1 - p)
    w = w - lr * m_bar / (sqrt(v_hat) + eps)
    return w, m, v, p


@Rule
def nadam_constant(w, g, t, m=0.0, v=0.0, *, lr=0.002, beta1=0.9, beta2=0.999, eps=1e-8):
    """Nadam with a constant share: the average looks one step ahead.

    The average is corrected for step ``t + 1``, which it is meant for. Source: Dozat (2016). Same as
    ``optax.nadam``.
    """
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    v_hat = v / (1 - beta2**t)
    m_bar = beta1 * m / (1 - beta1 ** (t + 1)) + (1 - beta1) * g / (1 - beta1**t)
    w = w - lr * m_bar / (sqrt(v_hat) + eps)
    return w, m, v


@Rule
def nadam_same_step(w, g, t, m=0.0, v=0.0, *, lr=0.002, beta1=0.9, beta2=0.999, eps=1e-8):
    """Nadam as it is often quoted: the average corrected for step ``t`` instead of ``t + 1``.

    Its first step is ``1 + beta1`` times the learning rate. This is what the program in the notes N4
    does, and the overview of Ruder (2016).
    """
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    m_bar = beta1 * m_hat + (1 - beta1) * g / (1 - beta1**t)
    w = w - lr * m_bar / (sqrt(v_hat) + eps)
    return w, m, v


# 2018 to 2019: repairs.


@Rule
def amsgrad(w, g, t, m=0.0, v=0.0, v_max=0.0, *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    """AMSGrad as libraries have it: the largest uncorrected average of squares, then corrected.

    Because the correction fades, the rate can rise again after an early spike. Same as
    ``torch.optim.Adam(amsgrad=True)``, and as Keras but for its ``eps`` (see `adam`); optax corrects
    before it takes the maximum.
    """
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    v_max = maximum(v_max, v)
    m_hat = m / (1 - beta1**t)
    v_hat = v_max / (1 - beta2**t)
    w = w - lr * m_hat / (sqrt(v_hat) + eps)
    return w, m, v, v_max


@Rule
def amsgrad_paper(w, g, m=0.0, v=0.0, v_hat=0.0, *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    """AMSGrad as published: no bias correction, and a divisor that never falls.

    Source: Reddi, Kale and Kumar (2018), algorithm 2, with ``eps`` added to the root.
    """
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    v_hat = maximum(v_hat, v)
    w = w - lr * m / (sqrt(v_hat) + eps)
    return w, m, v, v_hat


@Rule
def signsgd(w, g, *, lr=0.001):
    """SignSGD: every weight moves by the learning rate, whatever the size of its gradient.

    A gradient of zero moves nothing. Source: Bernstein et al. (2018). Same as ``optax.sign_sgd``. What
    Adam does with both betas at zero and ``eps`` negligible.
    """
    w = w - lr * sign(g)
    return w


@Rule
def adam_l2(w, g, t, m=0.0, v=0.0, *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    """Adam with an L2 penalty: the decay is part of the gradient and is divided like it.

    A weight with large gradients is decayed less. Same as ``torch.optim.Adam(weight_decay=...)``; the
    same argument in Keras decays as `adamw` does.
    """
    g_l2 = g + weight_decay * w
    m = beta1 * m + (1 - beta1) * g_l2
    v = beta2 * v + (1 - beta2) * g_l2**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    w = w - lr * m_hat / (sqrt(v_hat) + eps)
    return w, m, v


@Rule
def adamw(w, g, t, m=0.0, v=0.0, *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    """AdamW: Adam, and beside it every weight shrinks by the same share.

    Source: Loshchilov and Hutter (2019), where the share follows the schedule but not the learning rate
    itself. As in torch, optax and Keras the share is ``lr * weight_decay``; their defaults for the decay
    are 0.01, 0.0001 and 0.004.
    """
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    w = w - lr * weight_decay * w - lr * m_hat / (sqrt(v_hat) + eps)
    return w, m, v


@Rule
def qhm(w, g, v=0.0, *, lr=1.0, momentum=0.999, nu=0.7):
    """QHM: a mean of plain gradient descent and averaged momentum.

    ``nu=0`` is gradient descent, ``nu=1`` is `momentum_average`, ``nu=momentum`` is `nesterov` with
    ``1 - momentum`` times the learning rate. Source: Ma and Yarats (2019), with the values that they
    recommend.
    """
    v = momentum * v + (1 - momentum) * g
    w = w - lr * ((1 - nu) * g + nu * v)
    return w, v


@Rule
def qhadam(w, g, t, m=0.0, v=0.0, *, lr=0.001, beta1=0.995, beta2=0.999, nu1=0.7, nu2=1.0, eps=1e-8):
    """QHAdam: Adam with both averages mixed with their newest value.

    ``nu1=nu2=1`` is Adam. Source: Ma and Yarats (2019), with the values that they recommend.
    """
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    above = (1 - nu1) * g + nu1 * m_hat
    below = sqrt((1 - nu2) * g**2 + nu2 * v_hat) + eps
    w = w - lr * above / below
    return w, m, v


@Rule
def aggmo(w, g, v1=0.0, v2=0.0, v3=0.0, *, lr=0.01, beta1=0.0, beta2=0.9, beta3=0.99):
    """AggMo: the mean of three velocities with different memories, which damp each other.

    Source: Lucas et al. (2019), with the betas that they recommend.
    """
    v1 = beta1 * v1 + g
    v2 = beta2 * v2 + g
    v3 = beta3 * v3 + g
    w = w - lr * (v1 + v2 + v3) / 3
    return w, v1, v2, v3


# 2023: the sign again.


@Rule
def lion(w, g, m=0.0, *, lr=0.0001, beta1=0.9, beta2=0.99, weight_decay=0.0):
    """Lion: the sign of an average of gradients, with decoupled weight decay.

    One average, used with two shares: ``beta1`` for the step, ``beta2`` for the memory. Source: Chen et
    al. (2023). Same as ``optax.lion``, whose decay is 0.001 by default, and Keras.
    """
    c = beta1 * m + (1 - beta1) * g
    w = w - lr * (sign(c) + weight_decay * w)
    m = beta2 * m + (1 - beta2) * g
    return w, m
