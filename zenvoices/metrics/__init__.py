"""What Prometheus is told at /metrics."""
