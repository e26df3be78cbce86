"""What this machine is and can do: cores and threads, measured rates, memory, the clock, the device."""
