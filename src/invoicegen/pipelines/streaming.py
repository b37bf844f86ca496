"""What every stage does alike: pass over finished shards, spread documents, set failures aside."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel

from invoicegen.execution import ExecutionOptions, Failure, map_items
from invoicegen.templates import PlanOptions

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Record = dict[str, Any]
Loader = Callable[[], Any]
Settings = Mapping[str, BaseModel]
"""Options by the name of their parameter, as ``generate`` and ``ocr``."""


class Quarantined:
    """Documents of one shard that failed in one stage, with what is needed to replay them: plan and settings."""

    def __init__(self, stage: str, settings: Settings) -> None:
        self.stage = stage
        self.settings = {name: options.model_dump(mode="json") for name, options in settings.items()}
        self.records: list[Record] = []

    def add(self, item: Record, failure: Failure) -> None:
        """Set one document aside."""
        plan = item.get("plan", item)
        record = {
            "stage": self.stage,
            "doc_id": plan["doc_id"],
            "index": plan["index"],
            "error": failure.error,
        }
        logger.warning("%s of %s failed and is set aside: %s", self.stage, plan["doc_id"], failure.error)
        self.records.append(
            {**record, "traceback": failure.traceback, "plan": plan, "settings": self.settings}
        )


def variants_of(plans: list[Record], options: PlanOptions) -> dict[str, tuple[Record, str]]:
    """The plans of all variants by their ``doc_id``, each with the ``doc_id`` of the rendering that they share."""
    from invoicegen.schema.plan import DocumentPlan
    from invoicegen.templates import plan_variants

    if options.variants_per_document == 1:
        return {plan["doc_id"]: (plan, plan["doc_id"]) for plan in plans}
    return {
        variant.doc_id: (variant.model_dump(mode="json"), plan["doc_id"])
        for plan in plans
        for variant in plan_variants(DocumentPlan.model_validate(plan), options)
    }


def unfinished(names: Sequence[str], *finished: frozenset[str]) -> list[str]:
    """Shards that still have to be made: those that are not in every output of the stage."""
    done = frozenset.intersection(*finished) if finished else frozenset()
    return [name for name in names if name not in done]


def process_shards(
    stage: str,
    names: Sequence[str],
    items_of: Callable[[str], list[Record]],
    function: Callable[[Record], Record],
    execution: ExecutionOptions,
    of_all: int,
    settings: Settings,
) -> Iterator[tuple[str, list[Record], list[Record]]]:
    """Run a stage over shards, one in memory at a time.

    Args:
        stage: What the stage is called in progress bars and quarantine records.
        names: Shards to make.
        items_of: The work items of a shard; each is the plan of a document or holds it under ``plan``.
        function: Makes the record of one item; picklable.
        execution: How documents are spread.
        of_all: Shards of the whole run, finished ones included.
        settings: Options beside its plan that decide what a document becomes; kept with those that fail.

    Yields:
        Shard name, records of the documents that succeeded, quarantine records of those that failed.
    """
    from tqdm import tqdm

    if len(names) < of_all:
        logger.info("%s: %d of %d shards are finished already", stage, of_all - len(names), of_all)
    if not names:
        return
    with tqdm(
        desc=f"{stage:<11}",
        unit="doc",
        file=sys.stderr,
        disable=None if execution.progress else True,
        smoothing=0.1,
    ) as bar:
        for name in names:
            items = items_of(name)
            if bar.total is None:
                bar.total = len(items) * len(names)
            records, quarantined = [], Quarantined(stage, settings)
            for item, result in zip(items, map_items(function, items, execution), strict=True):
                if isinstance(result, Failure):
                    quarantined.add(item, result)
                else:
                    records.append(result)
                bar.update()
            yield name, records, quarantined.records
