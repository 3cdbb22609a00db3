#!/bin/sh
# Prints the alert rules as a PrometheusRule for the Prometheus operator.
set -eu
cd "$(dirname "$0")/.."
cat <<'HEAD'
# Made by `make manifests` from manifests/monitoring/prometheus/prometheus.rules: change that file.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: loadbalancer
  namespace: loadbalancer-system
  labels:
    app.kubernetes.io/name: loadbalancer
spec:
HEAD
sed -e '/^#/d' -e 's/^\(.\)/  \1/' manifests/monitoring/prometheus/prometheus.rules
