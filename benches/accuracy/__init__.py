"""Gates of accuracy: a fast path that fails one is not fast. ``make accuracy``; docs/method/accuracy.md."""
