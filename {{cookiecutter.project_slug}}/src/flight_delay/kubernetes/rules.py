"""The rules of `monitoring/rules.yml` as the Prometheus Operator wants them."""

import textwrap

HEAD = """\
# Made from monitoring/rules.yml, by `python -m flight_delay.kubernetes write`.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: service
spec:
"""


def prometheus_rule(rules: str) -> str:
    """Return the resource that holds the text of a rules file, its comments included."""
    return HEAD + textwrap.indent(rules, "  ")
