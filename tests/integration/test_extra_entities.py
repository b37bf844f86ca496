"""Fine-tuning on a user's own annotations with an entity type of their own, by the pipelines that the docs name."""

import pytest
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

from invoicegen.extraction import extract_file
from invoicegen.images import encode_image
from invoicegen.interchange import WriteOptions, write_pages
from invoicegen.interchange.drafts import finish
from invoicegen.interchange.options import ReadOptions
from invoicegen.interchange.pictures import check_picture
from invoicegen.interchange.records import DraftEntity, DraftPage
from invoicegen.modeling import ModelLoader
from invoicegen.ocr import OcrOptions, create_engine
from invoicegen.ocr.documents import open_document
from invoicegen.ocr.reading import read_page
from invoicegen.rendering import rasterise
from invoicegen.schema.taxonomy import LabelSet

DECLARED = "taxonomy:\n  extra_entities:\n    - {name: PROJECT_CODE, description: Project that is charged}\n"
TRAIN = {
    "epochs": 60,
    "max_minutes": None,
    "early_stopping_patience": 60,
    "batch_size": 4,
    "learning_rate": 3e-3,
    "new_parameter_learning_rate": 3e-2,
    "dropout": 0.0,
    "inference_max_length": 128,
}


def invoice(number):
    """The lines of a one-page invoice as ``text_pdf`` takes them: the third names a project."""
    return [
        (50, 60, f"Invoice INV-{4711 + 13 * number}"),
        (50, 90, "Customer 10042"),
        (50, 120, f"Project PX-{100 + 37 * number}"),
        (400, 600, "Total"),
        (480, 600, f"{250 + 7 * number},00"),
    ]


def annotated(pdf, folder, doc_id):
    """The page of a PDF as a person would label it, on the words that its text layer has."""
    (folder / f"{doc_id}.pdf").write_bytes(pdf)
    with open_document(folder / f"{doc_id}.pdf", dpi=100) as document:
        (source,) = document.pages
        words, _ = read_page(source, create_engine(OcrOptions()))
    image = encode_image(rasterise(pdf, 0, 100), "jpeg", 80, 100)
    wanted = {"INV": "INVOICE_NUMBER", "PX": "PROJECT_CODE"}
    entities = [
        DraftEntity(name, [i])
        for i, word in enumerate(words)
        for start, name in wanted.items()
        if word.text.startswith(f"{start}-")
    ]
    amount = next(i for i, word in enumerate(words) if word.text.endswith(",00"))
    return DraftPage(
        where=doc_id,
        source="test",
        doc_id=doc_id,
        picture=check_picture(lambda: image, doc_id),
        words=words,
        entities=[*entities, DraftEntity("TOTAL_AMOUNT", [amount])],
    )


@pytest.fixture(scope="module")
def fine_tuned(tmp_path_factory, make_project, make_pdf, untrained_model):
    """A project that imported a Label Studio export, trained on it from a model with the 73 labels, and evaluated."""
    folder = tmp_path_factory.mktemp("own")
    labels = LabelSet.model_validate({"extra_entities": [{"name": "PROJECT_CODE"}]})
    drafts = [annotated(make_pdf([invoice(number)]), folder, f"doc-{number}") for number in range(12)]
    pages = finish(drafts, ReadOptions(), "invoice", labels)
    write_pages(pages, folder / "tasks", "label-studio", WriteOptions(as_predictions=False), labels)
    project = make_project(folder / "project")
    (project.folder / "conf/base/parameters_taxonomy.yml").write_text(DECLARED)
    exported = {"path": str(folder / "tasks/tasks.json"), "format": "label-studio", "seed": 1}
    parameters = {"import": exported, "train": {"init_from": str(untrained_model), **TRAIN}}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.folder)
        bootstrap_project(project.folder)
        for pipeline in ("import", "train", "evaluate"):
            # What `kedro run` does, without a process that imports everything anew.
            with KedroSession.create(project.folder, env="test", runtime_params=parameters) as session:
                session.run(pipeline_name=pipeline)
    return project


def test_an_added_type_is_imported_learnt_scored_and_extracted(fine_tuned, make_pdf, tmp_path):
    assert fine_tuned.json("05_model_input/manifest.json")["extra_entities"] == ["PROJECT_CODE"]
    assert fine_tuned.json("08_reporting/import_report.json")["entities"]["PROJECT_CODE"] == 12
    scores = fine_tuned.json("08_reporting/evaluation_scores.json")
    assert scores["fields"]["by_field"]["PROJECT_CODE"]["f1"] == 1.0
    assert "PROJECT_CODE" in fine_tuned.data("08_reporting/report.html").read_text()

    (tmp_path / "new.pdf").write_bytes(make_pdf([invoice(20)]))
    predictor = ModelLoader().load(fine_tuned.data("06_models/model"))
    record = extract_file(tmp_path / "new.pdf", predictor, create_engine(OcrOptions()))
    (field,) = record["fields"]["PROJECT_CODE"]
    assert (field["value"], field["text"], field["page"]) == ("PX-840", "PX-840", 0)
