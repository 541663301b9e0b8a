"""Starts and stops Postgres, MariaDB, Redis, Kafka, Loki and Prometheus on free loopback ports, in a folder of their own."""
