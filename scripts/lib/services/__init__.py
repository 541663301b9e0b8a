"""Starts and stops Postgres, MariaDB, Redis, Kafka, Loki, Prometheus and an emulator of AWS on free loopback ports, in a folder of their own."""
