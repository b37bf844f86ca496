"""A linear-chain conditional random field over the words of a window.

It is trained without constraints, since a window may begin within an entity; decoding adds those of BIO
(:func:`~invoicegen.modeling.decoding.viterbi`). There are no scores of first and last labels, since windows are cut
where the page goes on.

Source:
    Lafferty et al., Conditional random fields, 2001, https://repository.upenn.edu/handle/20.500.14332/6188
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LinearChainCrf(nn.Module):
    """Scores of neighbouring labels, learnt with the labels' own scores.

    With all transitions at 0, where training starts, the loss is the mean cross entropy.

    Args:
        n_labels: Number of labels.
    """

    def __init__(self, n_labels: int) -> None:
        super().__init__()
        self.transitions = nn.Parameter(torch.zeros(n_labels, n_labels))

    def forward(self, scores: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
        """Negative log-likelihood of the labels, a word.

        Args:
            scores: Shape (batch, words, labels), float32.
            labels: Shape (batch, words); anything below 0 where masked.
            mask: Shape (batch, words), True for words; each row has at least one, and they come first.

        Returns:
            Shape ().
        """
        with torch.autocast(scores.device.type, enabled=False):  # sums over a page need float32
            return (
                self.log_partition(scores, mask) - self.path_score(scores, labels, mask)
            ).sum() / mask.sum()

    def path_score(self, scores: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
        """Score of one path of labels: shape (batch,). Arguments as in :meth:`forward`."""
        labels = labels.clamp(min=0)
        own = scores.gather(2, labels[..., None])[..., 0]
        steps = self.transitions[labels[:, :-1], labels[:, 1:]]
        return (own * mask).sum(dim=1) + (steps * mask[:, 1:]).sum(dim=1)

    def log_partition(self, scores: Tensor, mask: Tensor) -> Tensor:
        """Log of the summed exponentials of all paths' scores: shape (batch,). Arguments as in :meth:`forward`.

        A step is a matrix product of exponentials less their maxima. It cannot vanish: the best label before has
        weight 1, and learnt transitions are small and finite.
        """
        peak = self.transitions.detach().max()
        weights = (self.transitions - peak).exp()
        reached = scores[:, 0]
        for word in range(1, scores.shape[1]):
            best = reached.detach().max(dim=1, keepdim=True).values
            step = ((reached - best).exp() @ weights).log() + best + peak + scores[:, word]
            reached = torch.where(mask[:, word, None], step, reached)
        return reached.logsumexp(dim=1)


def word_sequences(logits: Tensor, labels: Tensor, ignored: int) -> tuple[Tensor, Tensor, Tensor]:
    """The labelled tokens of each row moved together, rows without any left out.

    Args:
        logits: Shape (batch, length, labels).
        labels: Shape (batch, length).
        ignored: Label of tokens that do not count.

    Returns:
        ``scores`` (rows, words, labels), ``labels`` (rows, words) and ``mask`` (rows, words), as
        :class:`LinearChainCrf` takes them.
    """
    kept = labels != ignored
    logits, labels, kept = (tensor[kept.any(dim=1)] for tensor in (logits, labels, kept))
    counts = kept.sum(dim=1)
    words = int(counts.max())
    mask = torch.arange(words, device=labels.device) < counts[:, None]
    row, token = kept.nonzero(as_tuple=True)
    place = (kept.cumsum(dim=1) - 1)[row, token]
    scores = logits.new_zeros(len(logits), words, logits.shape[2]).index_put((row, place), logits[row, token])
    moved = labels.new_full((len(labels), words), ignored).index_put((row, place), labels[row, token])
    return scores, moved, mask
