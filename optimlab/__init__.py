"""The optimizers of deep learning, each as one plain formula, and everything derived from it."""

__version__ = "0.1.0"
