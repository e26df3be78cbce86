"""What ``import tunesmith`` offers: ``model`` to ask a trained one, ``training`` to make one."""
