"""Kedro-Viz over a project that has been run: the graph, its layers, and previews of what was made."""

import functools
import http.server
import json
import subprocess
import sys
import threading

import pytest

SHOWN = ("training_curves", "confusion_matrix_plot", "entity_scores_plot", "release_plot", "training_summary")


@pytest.fixture(scope="module")
def built(trained):
    """The folder of a `kedro viz build` of the project."""
    trained.run("evaluate")
    done = subprocess.run(
        [sys.executable, "-m", "kedro", "viz", "build", "--include-previews"],
        cwd=trained.folder,
        capture_output=True,
        text=True,
        env=trained.environment,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert "Layers visualisation is disabled" not in done.stdout + done.stderr
    return trained.folder / "build"


@pytest.fixture
def served(built):
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(built))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def node_ids(built):
    main = json.loads((built / "api/main").read_text())
    assert main["layers"] == ["intermediate", "model_input", "models", "reporting"]
    return {node["name"]: node["id"] for node in main["nodes"]}


def test_what_was_made_has_a_preview(built):
    ids = node_ids(built)
    for name in SHOWN:
        node = json.loads((built / "api/nodes" / ids[name]).read_text())
        assert node.get("preview"), name
    for name in ("evaluation_scores", "confusion_matrix", "error_examples", "data_card"):
        assert json.loads((built / "api/nodes" / ids[name]).read_text()).get("preview"), name


def test_the_browser_shows_graph_and_figure(built, served, chromium):
    page = chromium.new_page(viewport={"width": 1500, "height": 950})
    page.goto(f"{served}?pid=__default__&sid={node_ids(built)['training_curves']}")
    page.get_by_text("train_model").first.wait_for(timeout=30_000)
    figure = page.locator("img[src^='data:image/png;base64,']").first
    figure.wait_for(timeout=30_000)
    assert figure.evaluate("image => image.naturalWidth") > 200
    page.close()
