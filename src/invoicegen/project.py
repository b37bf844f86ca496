"""The Kedro project that a command is called in, and its parameters as a run would see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from pydantic import ValidationError

    from invoicegen.ocr import OcrOptions
    from invoicegen.pipelines.options import GenerateOptions


# What a wheel carries: conf/ of the checkout that it was built from. A checkout has no such folder.
PACKAGED_CONF = Path(__file__).parent / "conf"


class ProjectError(ValueError):
    """There is no project here, or its parameters cannot be used; the message says the mend."""


def find_project(start: Path | None = None) -> Path | None:
    """The nearest folder with ``conf/base``, from ``start`` (default: the current folder) upwards."""
    here = (start or Path.cwd()).resolve()
    return next((p for p in (here, *here.parents) if (p / "conf" / "base").is_dir()), None)


def conf_source() -> Path:
    """The configuration that holds in the current folder: the project's, else the one that the wheel brought.

    Raises:
        ProjectError: If there is neither.
    """
    project = find_project()
    if project is not None:
        return project / "conf"
    if not PACKAGED_CONF.is_dir():
        raise ProjectError(f"{Path.cwd()}: no project here (no conf/base above); change into its folder")
    return PACKAGED_CONF


def parse_overrides(pairs: list[str]) -> dict[str, Any]:
    """``generate.seed=7`` pairs as nested dictionaries; values are read as YAML.

    Raises:
        ProjectError: If one is no ``key=value``.
    """
    import yaml

    nested: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise ProjectError(f"--params {pair!r}: write key=value, such as generate.seed=7")
        *path, last = key.split(".")
        level = nested
        for part in path:
            level = level.setdefault(part, {})
        level[last] = yaml.safe_load(value)
    return nested


def generate_options(
    env: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    only: Mapping[str, Sequence[str]] | None = None,
    of_run: Mapping[str, Any] | None = None,
) -> GenerateOptions:
    """What ``kedro run --pipeline=generate`` would make: the project's parameters, checked.

    Args:
        env: Kedro environment over ``conf/base``; None takes ``local``, as a run does.
        overrides: Nested values that are merged over those of the files, as ``kedro run --params`` does.
        only: Names that keep their weight, by ``families``, ``locales`` or ``kinds``; all others get 0, and a name
            without a weight gets 1.
        of_run: The options of an earlier run, which take the place of the files'.

    Raises:
        ProjectError: If there is no configuration, or the parameters are not as they should be.
    """
    from pydantic import ValidationError

    from invoicegen.pipelines.options import GenerateOptions

    conf, parameters = _parameters(env, overrides)
    given = parameters["generate"] if of_run is None else _changed(of_run, overrides, "generate")
    for key, names in (only or {}).items():
        given[key] = dict.fromkeys(given[key], 0.0) | {name: given[key].get(name) or 1.0 for name in names}
    try:
        return GenerateOptions.model_validate(given)
    except ValidationError as error:
        raise _refused(conf, "generate", error) from error


def ocr_options(
    env: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    of_run: Mapping[str, Any] | None = None,
) -> OcrOptions:
    """How ``kedro run --pipeline=generate`` reads pages: the project's parameters, checked.

    Args:
        env: As for :func:`generate_options`.
        overrides: As for :func:`generate_options`.
        of_run: As for :func:`generate_options`.

    Raises:
        ProjectError: If there is no configuration, or the parameters are not as they should be.
    """
    from pydantic import ValidationError

    from invoicegen.ocr import OcrOptions

    conf, parameters = _parameters(env, overrides)
    given = parameters["ocr"] if of_run is None else _changed(of_run, overrides, "ocr")
    try:
        return OcrOptions.model_validate(given)
    except ValidationError as error:
        raise _refused(conf, "ocr", error) from error


def _changed(of_run: Mapping[str, Any], overrides: Mapping[str, Any] | None, name: str) -> dict[str, Any]:
    """The options of a run with those values replaced that ``overrides`` names under ``name``."""
    from omegaconf import OmegaConf

    merged = OmegaConf.merge(dict(of_run), dict((overrides or {}).get(name, {})))
    return cast("dict[str, Any]", OmegaConf.to_container(merged))


def _refused(conf: Path, name: str, error: ValidationError) -> ProjectError:
    problems = "; ".join(
        f"{'.'.join((name, *map(str, problem['loc'])))}: {problem['msg']}" for problem in error.errors()
    )
    return ProjectError(f"{conf}: {problems}")


def _parameters(env: str | None, overrides: Mapping[str, Any] | None) -> tuple[Path, dict[str, Any]]:
    """The folder of the configuration, and its parameters as a run would see them."""
    from kedro.config import OmegaConfigLoader

    from invoicegen.settings import CONFIG_LOADER_ARGS

    conf = conf_source()
    if env is not None and not (conf / env).is_dir():
        known = ", ".join(sorted(p.name for p in conf.iterdir() if p.is_dir()))
        raise ProjectError(f"{conf}: no environment {env!r}; there are {known}")
    arguments: dict[str, Any] = {**CONFIG_LOADER_ARGS, "env": env, "runtime_params": dict(overrides or {})}
    return conf, dict(OmegaConfigLoader(str(conf), **arguments)["parameters"])
