"""What test_cpus.py computes, and the machines that it computes on."""
