"""Training: the loop of optimiser steps, and the families it is put together from."""
