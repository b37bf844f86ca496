"""Kedro project settings; see https://docs.kedro.org/en/stable/configure/configuration_basics/."""

from kedro.config import OmegaConfigLoader

from invoicegen.hooks import ParameterHooks, ProcessHooks, RunMetricsHooks

HOOKS = (ParameterHooks(), ProcessHooks(), RunMetricsHooks())
CONFIG_LOADER_CLASS = OmegaConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    # An environment states what differs: nested keys that it leaves out keep their base values.
    "merge_strategy": {"parameters": "soft"},
    "config_patterns": {
        "catalog": ["catalog*", "catalog*/**"],
        "parameters": ["parameters*", "parameters*/**"],
    },
}
