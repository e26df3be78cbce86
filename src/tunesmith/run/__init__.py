"""What a run needs to be stopped, killed and gone on with: plan, journal, checkpoints, lock, clock, guard, log."""
