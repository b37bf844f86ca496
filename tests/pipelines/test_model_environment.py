"""The parameters of `make model` are those of conf/base with what the environment `model` changes."""

from pathlib import Path

from kedro.config import OmegaConfigLoader

from invoicegen.modeling.options import TrainOptions
from invoicegen.pipelines.options import GenerateOptions
from invoicegen.settings import CONFIG_LOADER_ARGS

CONF = Path(__file__).resolve().parents[2] / "conf"


def parameters(environment):
    loader = OmegaConfigLoader(str(CONF), **(CONFIG_LOADER_ARGS | {"default_run_env": environment}))
    found = loader["parameters"]
    return GenerateOptions.model_validate(found["generate"]), TrainOptions.model_validate(found["train"])


def test_the_environment_changes_what_it_names_and_nothing_else():
    (generate, train), (base_generate, base_train) = parameters("model"), parameters("local")
    assert generate.documents == 12000
    assert generate.documents % generate.shard_size == 0
    for family, engines in generate.engines.items():
        assert sum(engines.values()) == 1, family
    changed = {"documents", "seed", "split", "engines"}
    assert generate.model_dump(exclude=changed) == base_generate.model_dump(exclude=changed)
    assert (train.epochs, train.max_minutes) == (8, None)  # as many steps on whatever machine
    assert train.early_stopping_patience == train.epochs
    assert train.augmentation.word_mask > base_train.augmentation.word_mask
    assert train.init_from == base_train.init_from == "compact"
