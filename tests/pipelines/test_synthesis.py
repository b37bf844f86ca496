"""The plan stage: what becomes of documents that cannot be planned."""

import yaml

from invoicegen.pipelines.options import GenerateOptions
from invoicegen.pipelines.synthesis.nodes import plan_documents


def test_a_document_that_cannot_be_planned_is_set_aside_and_the_others_are_planned(pytestconfig):
    file = pytestconfig.rootpath / "conf/base/parameters_generate.yml"
    given = yaml.safe_load(file.read_text())["generate"]
    options = GenerateOptions.model_validate({**given, "documents": 20, "shard_size": 20})
    # Past validation, as a locale would be whose file is taken away while a run goes on.
    options = options.model_copy(update={"locales": {"en_GB": 1.0, "xx_XX": 1.0}})
    (name,) = options.shard_names()
    _, (plans, quarantine) = plan_documents(frozenset(), options)
    assert {plan["locale"] for plan in plans[name]} == {"en_GB"}
    indices = [plan["index"] for plan in plans[name]] + [record["index"] for record in quarantine[name]]
    assert sorted(indices) == list(range(20))
    first = quarantine[name][0]
    assert "xx_XX" in first["error"]
    assert first["doc_id"] == f"synth-{options.seed}-{first['index']:07d}"
    assert first["settings"]["generate"]["dpi"] == options.dpi
